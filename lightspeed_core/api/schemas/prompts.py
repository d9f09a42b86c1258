"""Bodies of `/v1/prompts`."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from lightspeed_core.api.schemas.identifiers import Text
from lightspeed_core.api.schemas.requests import Integer, RequestBody
from lightspeed_core.errors import MalformedRequest
from lightspeed_core.prompts.identifiers import (
    PLACEHOLDER_PATTERN,
    PROMPT_ID_PATTERN,
    VARIABLE_PATTERN,
    is_prompt_id,
    is_variable,
    undeclared,
)
from lightspeed_core.prompts.models import Prompt, PromptText

_ID: Final = "pmpt_" + "0123456789abcdef" * 3
_TEXT: Final = "Answer questions about {{ product }} in one sentence."
_HIGHEST_VERSION: Final = 2**31 - 1


async def _prompt_id(
    prompt_id: Annotated[
        # Shown and not checked by the framework, as an id of another form is status 400, not 422.
        Annotated[str, Field(json_schema_extra={"pattern": PROMPT_ID_PATTERN})],
        Path(description="`pmpt_` and 48 hex digits.", examples=[_ID]),
    ],
) -> str:
    if not is_prompt_id(prompt_id):
        raise MalformedRequest.of_id("prompt", prompt_id)
    return prompt_id.lower()


PromptId = Annotated[str, Depends(_prompt_id)]
Version = Annotated[
    int | None,
    Query(ge=1, le=_HIGHEST_VERSION, description="A version; without it, the default one."),
]


def _check_name(name: str) -> str:
    if not is_variable(name):
        raise ValueError(f"Improper variable name '{name}', needs to be letters, digits or '_'")
    return name


VariableName = Annotated[
    str, AfterValidator(_check_name), Field(json_schema_extra={"pattern": VARIABLE_PATTERN})
]


# Which names a placeholder may have, a description cannot say.
_PLACEHOLDERS: Final[list[Any]] = [
    {"properties": {"prompt": {"not": {"pattern": PLACEHOLDER_PATTERN}}}},
    {"required": ["variables"], "properties": {"variables": {"not": {"enum": [[], None]}}}},
]


class PromptRequest(RequestBody):
    """A prompt to keep."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"anyOf": _PLACEHOLDERS})

    prompt: Text = Field(
        min_length=1,
        description="Its text; a placeholder is a variable's name in `{{ }}`.",
        examples=["Answer in one sentence."],
    )
    variables: list[VariableName] | None = Field(
        default=None,
        description="Names that may stand in placeholders; duplicates are dropped.",
        examples=[["product"]],
    )

    @model_validator(mode="after")
    def _check_placeholders(self) -> Self:
        if unknown := undeclared(self.prompt, self.variables or ()):
            named = ", ".join(f"{{{{ {name} }}}}" for name in unknown)
            raise ValueError(
                f"Undeclared placeholders in prompt: {named}; list their names in 'variables'"
            )
        return self

    def content(self) -> PromptText:
        """Return what to store."""
        return PromptText(text=self.prompt, variables=tuple(dict.fromkeys(self.variables or ())))


class PromptUpdateRequest(PromptRequest):
    """The next version of a prompt."""

    version: Integer = Field(
        ge=1, le=_HIGHEST_VERSION - 1, description="The newest version so far.", examples=[1]
    )
    set_as_default: StrictBool = Field(
        default=True, description="Whether the new version becomes the default one."
    )


class PromptResponse(BaseModel):
    """One version of a prompt."""

    prompt_id: str = Field(examples=[_ID])
    version: int = Field(examples=[1])
    is_default: bool = Field(description="Whether this is what is read without a version.")
    prompt: str = Field(examples=[_TEXT])
    variables: list[str] = Field(examples=[["product"]])

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """Show a version as it is stored."""
        return cls(
            prompt_id=prompt.prompt_id,
            version=prompt.version,
            is_default=prompt.is_default,
            prompt=prompt.content.text,
            variables=list(prompt.content.variables),
        )


class PromptsResponse(BaseModel):
    """The default version of every prompt, the newest prompt first."""

    data: list[PromptResponse]

    @classmethod
    def of(cls, prompts: Iterable[Prompt]) -> Self:
        """Show prompts as they are stored."""
        return cls(data=[PromptResponse.of(prompt) for prompt in prompts])


class PromptDeleted(BaseModel):
    """What a deletion came to."""

    deleted: bool = Field(description="False when there was no such prompt.")
    response: str = Field(examples=["Prompt deleted successfully"])
    prompt_id: str = Field(examples=[_ID])

    @classmethod
    def of(cls, prompt_id: str, *, deleted: bool) -> Self:
        """Say whether there was something to delete."""
        outcome = "Prompt deleted successfully" if deleted else "Prompt not found"
        return cls(deleted=deleted, response=outcome, prompt_id=prompt_id)
