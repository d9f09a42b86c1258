"""Bodies of `/v1/conversations` and `/v2/conversations`."""

from typing import Annotated, Final, Literal

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from lightspeed_core.api.schemas.approvals import AnsweredApproval
from lightspeed_core.api.schemas.errors import ErrorDetail
from lightspeed_core.api.schemas.identifiers import (
    ConversationIdText,
    Text,
    UuidText,
    normal_turn_id,
)
from lightspeed_core.api.schemas.query import (
    AnswerWarning,
    Citation,
    ReferencedDocument,
    ToolCall,
    ToolResult,
)
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.domain.identifiers import normal_conversation_id
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import MalformedRequest

_ID: Final = "123e4567-e89b-42d3-a456-426614174000"
_TURN_ID: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_LARGEST_PAGE: Final = 10_000


def _checked_conversation_id(value: str) -> str:
    try:
        return normal_conversation_id(value)
    except ValueError:
        raise MalformedRequest.of_id("conversation", value) from None


async def _conversation_id(
    conversation_id: Annotated[
        ConversationIdText,
        Path(description="A UUID or 48 hex digits; `conv_` may come before.", examples=[_ID]),
    ],
) -> str:
    return _checked_conversation_id(conversation_id)


async def _conversation_mark(
    after: Annotated[
        ConversationIdText | None,
        Query(description="Id of a conversation; the list begins behind it."),
    ] = None,
) -> str | None:
    return None if after is None else _checked_conversation_id(after)


async def _turn_mark(
    after: Annotated[
        UuidText | None, Query(description="`request_id` of a turn; the list begins behind it.")
    ] = None,
) -> str | None:
    try:
        return None if after is None else normal_turn_id(after)
    except ValueError:
        raise MalformedRequest.of_id("request", str(after)) from None


ConversationId = Annotated[str, Depends(_conversation_id)]
ConversationMark = Annotated[str | None, Depends(_conversation_mark)]
TurnMark = Annotated[str | None, Depends(_turn_mark)]
Limit = Annotated[
    int | None, Query(ge=1, le=_LARGEST_PAGE, description="At most so many; without it, all.")
]


class ConversationSummary(BaseModel):
    """A conversation in the list of the first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conversation_id": _ID,
                    "created_at": "2025-10-10T09:12:10+00:00",
                    "last_message_at": "2025-10-10T09:15:27+00:00",
                    "message_count": 5,
                    "last_used_model": "gpt-4-turbo",
                    "last_used_provider": "openai",
                    "topic_summary": "Operator Installation",
                }
            ]
        }
    )

    conversation_id: str
    created_at: str = Field(description="When it began, in ISO 8601.")
    last_message_at: str = Field(description="When its last turn ended, in ISO 8601.")
    message_count: int = Field(description="How many turns it has.")
    last_used_model: str | None
    last_used_provider: str | None
    topic_summary: str | None


class ConversationsResponse(BaseModel):
    """Conversations, the newest first."""

    conversations: list[ConversationSummary]


class DatedConversation(BaseModel):
    """A conversation in the list of the second version."""

    conversation_id: str = Field(examples=[_ID])
    topic_summary: str | None = Field(examples=["Operator Installation"])
    last_message_timestamp: float = Field(
        description="When its last turn ended, in seconds since 1970.", examples=[1704067200.0]
    )


class DatedConversationsResponse(BaseModel):
    """Conversations, the newest first."""

    conversations: list[DatedConversation]


class HistoryMessage(BaseModel):
    """One message of a turn."""

    content: str
    type: Literal["user", "assistant"]
    referenced_documents: list[ReferencedDocument] | None = Field(
        description="What stood behind an answer; null for the user's message."
    )


class HistoryTurn(BaseModel):
    """One question and its answer."""

    request_id: str = Field(description="Id of the turn.", examples=[_TURN_ID])
    state: TurnState = Field(
        description="`completed`, `interrupted`, `failed`, or `awaiting_approval` of its user."
    )
    error: ErrorDetail | None = Field(description="Why a turn failed.")
    messages: list[HistoryMessage] = Field(description="The user's, then the assistant's.")
    tool_calls: list[ToolCall]
    tool_results: list[ToolResult]
    approvals: list[AnsweredApproval] = Field(
        default=[], description="Calls of tools that the user had to allow."
    )
    citations: list[Citation]
    warnings: list[AnswerWarning]
    provider: str
    model: str
    started_at: str = Field(examples=["2025-10-10T09:12:10Z"])
    completed_at: str | None = Field(examples=["2025-10-10T09:12:15Z"])


class ConversationResponse(BaseModel):
    """A conversation with the turns that have ended or wait for an approval, the oldest first."""

    conversation_id: str = Field(examples=[_ID])
    chat_history: list[HistoryTurn]


class ConversationDeleted(BaseModel):
    """What a deletion came to."""

    conversation_id: str = Field(examples=[_ID])
    deleted: bool = Field(description="False when there was no such conversation.")
    response: str = Field(examples=["Conversation deleted successfully"])
    success: Literal[True] = Field(description="Always true; read `deleted`.")


class ConversationUpdate(RequestBody):
    """What to change of a conversation."""

    topic_summary: Text = Field(
        min_length=1,
        max_length=1000,
        description="Its new topic.",
        examples=["Operator Installation"],
    )


class ConversationUpdated(BaseModel):
    """What a change came to."""

    conversation_id: str = Field(examples=[_ID])
    success: Literal[True]
    message: str = Field(examples=["Topic summary updated successfully"])
