"""Bodies of `/v1/saved-prompts`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Self

from fastapi import Depends, Path
from pydantic import BaseModel, Field

from lightspeed_core.api.schemas.identifiers import NOT_BLANK_PATTERN, Text, UuidText, normal_uuid
from lightspeed_core.api.schemas.requests import RequestBody
from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.errors import MalformedRequest
from lightspeed_core.prompts import models

_ID: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_NAME: Final = "Cluster check"
_CONTENT: Final = "Is every operator of my cluster available?"
_AT: Final = "2025-10-10T09:12:10.123456Z"


async def _prompt_id(
    saved_prompt_id: Annotated[UuidText, Path(description="A UUID.", examples=[_ID])],
) -> str:
    try:
        return normal_uuid(saved_prompt_id)
    except ValueError:
        raise MalformedRequest.of_id("saved prompt", saved_prompt_id) from None


SavedPromptId = Annotated[str, Depends(_prompt_id)]


class SavedPromptRequest(RequestBody):
    """A prompt to save."""

    # How long they may be is configured, and judged with an error of its own.
    name: Text = Field(
        description="Its name, one's own only prompt of that name; blanks around it are dropped.",
        examples=[_NAME],
        # Longer than that it can be configured nowhere.
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": NOT_BLANK_PATTERN},
    )
    content: Text = Field(
        description="Its text, kept as it is.",
        examples=[_CONTENT],
        json_schema_extra={"minLength": 1},
    )


class SavedPrompt(BaseModel):
    """A saved prompt."""

    id: str = Field(examples=[_ID])
    name: str = Field(examples=[_NAME])
    content: str = Field(examples=[_CONTENT])
    created_at: datetime = Field(description="When it was saved, in UTC.", examples=[_AT])
    updated_at: datetime = Field(description="When it was changed last.", examples=[_AT])

    @classmethod
    def of(cls, prompt: models.SavedPrompt) -> Self:
        """Show a prompt as it is stored."""
        return cls(
            id=prompt.prompt_id,
            name=prompt.name,
            content=prompt.content,
            created_at=prompt.created_at,
            updated_at=prompt.updated_at,
        )


class SavedPromptsResponse(BaseModel):
    """The caller's prompts, the newest first, 200 of them at most."""

    prompts: list[SavedPrompt]

    @classmethod
    def of(cls, prompts: Iterable[models.SavedPrompt]) -> Self:
        """Show prompts as they are stored."""
        return cls(prompts=[SavedPrompt.of(prompt) for prompt in prompts])


class SavedPromptsConfigResponse(BaseModel):
    """How many prompts a user may save, and how long they may be, in characters."""

    max_prompts_per_user: int = Field(examples=[50])
    max_display_name_length: int = Field(examples=[255])
    max_content_length: int = Field(examples=[10000])

    @classmethod
    def of(cls, limits: SavedPromptsConfiguration) -> Self:
        """Show the limits as they are configured."""
        return cls(
            max_prompts_per_user=limits.max_prompts_per_user,
            max_display_name_length=limits.max_display_name_length,
            max_content_length=limits.max_content_length,
        )


class SavedPromptDeleted(BaseModel):
    """What a deletion came to."""

    deleted: bool = Field(description="False when there was no such prompt.")
    response: str = Field(examples=["Saved prompt deleted successfully"])
    prompt_id: str = Field(examples=[_ID])

    @classmethod
    def of(cls, prompt_id: str, *, deleted: bool) -> Self:
        """Say whether there was something to delete."""
        outcome = "Saved prompt deleted successfully" if deleted else "Saved prompt not found"
        return cls(deleted=deleted, response=outcome, prompt_id=prompt_id)
