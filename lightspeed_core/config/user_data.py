"""Section `user_data_collection`: feedback and transcripts."""

from typing import Self

from pydantic import Field, model_validator

from lightspeed_core.config.section import Section


class UserDataCollection(Section):
    """Whether and where feedback and transcripts are kept."""

    feedback_enabled: bool = Field(default=False, description="Whether feedback is accepted.")
    feedback_storage: str | None = Field(default=None, description="Directory of feedback files.")
    transcripts_enabled: bool = Field(default=False, description="Whether transcripts are written.")
    transcripts_storage: str | None = Field(
        default=None, description="Directory of transcript files."
    )

    delete_transcripts_with_conversation: bool = Field(
        default=False, description="Whether a conversation's transcripts are deleted with it."
    )

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        if self.feedback_enabled and self.feedback_storage is None:
            raise ValueError("feedback_storage is required when feedback is enabled")
        if self.transcripts_enabled and self.transcripts_storage is None:
            raise ValueError("transcripts_storage is required when transcripts is enabled")
        if self.delete_transcripts_with_conversation and self.transcripts_storage is None:
            raise ValueError(
                "transcripts_storage is required when delete_transcripts_with_conversation is set"
            )
        return self
