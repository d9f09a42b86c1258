"""Bodies of `/v1/feedback` and of its status."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    field_validator,
    model_validator,
)

from lightspeed_core.api.schemas.identifiers import TEXT_PATTERN, NoNul, Text
from lightspeed_core.api.schemas.requests import Integer, RequestBody
from lightspeed_core.domain.identifiers import CONVERSATION_ID_PATTERN, normal_conversation_id
from lightspeed_core.user_data.feedback import Feedback, StatusChange

_SENTIMENTS: Final = (-1, 1)
_EXAMPLE: Final[dict[str, Any]] = {
    "conversation_id": "123e4567-e89b-42d3-a456-426614174000",
    "user_question": "How do I deploy a web app?",
    "llm_response": "Use Docker.",
    "sentiment": -1,
    "user_feedback": "Too general.",
    "categories": ["incomplete", "not_relevant"],
}


# Shown and not checked by the framework, whose message would be another.
_Sentiment = Annotated[Integer, Field(json_schema_extra={"enum": list(_SENTIMENTS)})]
_Words = Annotated[str, Field(max_length=4096, json_schema_extra={"pattern": TEXT_PATTERN}), NoNul]
# Without a type: viewers take another one beside the field's own for a conflict.
_ABSENT: Final[dict[str, list[Any]]] = {
    "sentiment": [None],
    "user_feedback": ["", None],
    "categories": [[], None],
}
_FORMS: Final[list[Any]] = [
    {"required": [name], "properties": {name: {"not": {"enum": absent}}}}
    for name, absent in _ABSENT.items()
]


class FeedbackCategory(StrEnum):
    """What is wrong with an answer."""

    INCORRECT = "incorrect"
    NOT_RELEVANT = "not_relevant"
    INCOMPLETE = "incomplete"
    OUTDATED_INFORMATION = "outdated_information"
    UNSAFE = "unsafe"
    OTHER = "other"


class FeedbackRequest(RequestBody):
    """What a user says of an answer, in at least one of three forms."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [_EXAMPLE], "anyOf": _FORMS}
    )

    conversation_id: str = Field(
        description="Conversation of the answer, one's own.",
        json_schema_extra={"pattern": CONVERSATION_ID_PATTERN},
    )
    user_question: Text = Field(description="What was asked.")
    llm_response: Text = Field(description="What was answered.")
    sentiment: _Sentiment | None = Field(default=None, description="-1 for bad, 1 for good.")
    user_feedback: _Words | None = Field(
        default=None, description="In the user's own words; an empty text counts as none."
    )
    categories: list[FeedbackCategory] | None = Field(
        default=None, description="What is wrong; duplicates are dropped."
    )

    @field_validator("conversation_id")
    @classmethod
    def _check_conversation_id(cls, value: str) -> str:
        try:
            return normal_conversation_id(value)
        except ValueError:
            # The same fault is quoted in the body of a question, and here it is not.
            raise ValueError(f"Improper conversation ID {value}") from None

    @field_validator("sentiment")
    @classmethod
    def _check_sentiment(cls, value: int | None) -> int | None:
        if value is not None and value not in _SENTIMENTS:
            raise ValueError(f"Improper sentiment value of {value}, needs to be -1 or 1")
        return value

    @field_validator("categories")
    @classmethod
    def _drop_duplicates(
        cls, value: list[FeedbackCategory] | None
    ) -> list[FeedbackCategory] | None:
        return list(dict.fromkeys(value)) if value else None

    @model_validator(mode="after")
    def _check_any_form(self) -> Self:
        if self.sentiment is None and not self.user_feedback and self.categories is None:
            raise ValueError(
                "At least one form of feedback must be provided: "
                "'sentiment', 'user_feedback', or 'categories'"
            )
        return self

    def feedback(self) -> Feedback:
        """Say the same in the words of the domain."""
        return Feedback(
            conversation_id=self.conversation_id,
            user_question=self.user_question,
            llm_response=self.llm_response,
            sentiment=self.sentiment,
            user_feedback=self.user_feedback or None,
            categories=None if self.categories is None else tuple(map(str, self.categories)),
        )


class FeedbackResponse(BaseModel):
    """The feedback is stored."""

    response: str = Field(examples=["feedback received"])


class FeedbackStatus(BaseModel):
    """The switch."""

    enabled: bool = Field(description="Whether feedback is taken.")


class FeedbackStatusResponse(BaseModel):
    """Whether feedback is taken."""

    functionality: Literal["feedback"]
    status: FeedbackStatus


class FeedbackStatusRequest(RequestBody):
    """What to set the switch to."""

    status: StrictBool = Field(
        default=False, description="Whether to take feedback.", examples=[True]
    )


class FeedbackStatusChange(BaseModel):
    """The switch before and after."""

    previous_status: bool
    updated_status: bool
    updated_by: str = Field(description="Id of the user who set it.")
    timestamp: str = Field(examples=["2025-10-12 09:15:27.123456+00:00"])


class FeedbackStatusUpdateResponse(BaseModel):
    """The switch was set."""

    status: FeedbackStatusChange

    @classmethod
    def of(cls, change: StatusChange, user_id: str) -> Self:
        """Say that this user has set the switch."""
        return cls(
            status=FeedbackStatusChange(
                previous_status=change.previous,
                updated_status=change.updated,
                updated_by=user_id,
                timestamp=str(change.at),
            )
        )
