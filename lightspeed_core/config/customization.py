"""Section `customization`: prompts, and what a request may override."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, FilePath

from lightspeed_core.config.section import Section


class CustomProfile(Section):
    """The prompts of a profile file."""

    path: str = Field(description="The profile file.")
    prompts: Mapping[str, str] = Field(default_factory=dict, description="Its system prompts.")
    variables: Mapping[str, str] = Field(
        default_factory=dict, description="What its prompts may name besides the built-in ones."
    )


class CustomizationConfiguration(Section):
    """Prompts, and what a request may override.

    In a loaded configuration `system_prompt` holds the text of `system_prompt_path`.
    """

    profile_path: str | None = Field(
        default=None,
        description="Python file with `PROFILE_CONFIG`: system prompts, and variables for them.",
    )
    system_prompt_path: FilePath | None = Field(
        default=None, description="File of the system prompt; it may name variables."
    )
    system_prompt: str | None = Field(
        default=None, description="The system prompt; it may name variables."
    )
    disable_query_system_prompt: bool = Field(
        default=False, description="Whether requests may not bring a system prompt."
    )
    disable_shield_ids_override: bool = Field(
        default=False, description="Whether requests may not choose shields."
    )
    agent_card_path: FilePath | None = Field(default=None, description="Agent card, YAML.")
    agent_card_config: Mapping[str, Any] | None = Field(
        default=None, description="Agent card, inline."
    )
    custom_profile: CustomProfile | None = Field(
        default=None, description="Derived from `profile_path`; cannot be set."
    )
