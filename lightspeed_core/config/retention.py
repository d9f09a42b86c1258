"""Section `retention`: how long what users leave behind is kept."""

from typing import Annotated

from pydantic import Field

from lightspeed_core.config.section import Section

Days = Annotated[int, Field(ge=1, le=36500)]


class RetentionConfiguration(Section):
    """How long what users leave behind is kept."""

    conversations_days: Days | None = Field(
        default=None,
        description="Days after its last message until a conversation is deleted; unset: never.",
    )
    transcripts_days: Days | None = Field(
        default=None, description="Days until a transcript file is deleted; unset: never."
    )
    feedback_days: Days | None = Field(
        default=None, description="Days until a feedback file is deleted; unset: never."
    )
