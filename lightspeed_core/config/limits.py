"""The small sections with limits of ours: `approvals`, `saved_prompts`."""

from pydantic import Field, PositiveInt

from lightspeed_core.config.section import Section


class ApprovalsConfiguration(Section):
    """Tool calls that a person must approve."""

    approval_timeout_seconds: PositiveInt = Field(default=300, description="Time to answer.")
    approval_retention_days: PositiveInt = Field(
        default=30, description="How long answers are kept."
    )


class SavedPromptsConfiguration(Section):
    """Prompts that users save."""

    max_prompts_per_user: PositiveInt = Field(
        default=50, le=200, description="Prompts of one user."
    )
    max_display_name_length: PositiveInt = Field(
        default=255, le=255, description="Characters of a name."
    )
    max_content_length: PositiveInt = Field(
        default=10000, le=30000, description="Characters of a prompt."
    )
