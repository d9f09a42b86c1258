"""Section `llama_stack`: in this process or a server, and how it is reached."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PositiveInt, SecretStr, model_validator

from lightspeed_core.config.section import HttpUrl, Section


class Baseline(StrEnum):
    """What a synthesised run configuration starts from."""

    DEFAULT = "default"
    EMPTY = "empty"


class ConfigurationFormat(StrEnum):
    """Where the run configuration comes from: a file of its own, or this one."""

    LEGACY = "legacy"
    UNIFIED = "unified"


class UnifiedLlamaStackConfiguration(Section):
    """A run configuration written into this file instead of a separate one."""

    baseline: Baseline = Field(
        default=Baseline.DEFAULT,
        description="What the run configuration extends: the shipped run.yaml, or nothing.",
    )
    profile: str | None = Field(default=None, description="run.yaml to extend instead.")
    native_override: Mapping[str, Any] = Field(
        default_factory=dict,
        description="Run configuration keys merged last. `${env.…}` stays for Llama Stack.",
    )


def _no_when_null(value: object) -> object:
    return False if value is None else value


class LlamaStackConfiguration(Section):
    """In this process or a server, and how it is reached."""

    url: HttpUrl | None = Field(default=None, description="Address of a Llama Stack server.")
    api_key: SecretStr | None = Field(
        default=None, description="Key sent to the Llama Stack server."
    )
    use_as_library_client: Annotated[bool, BeforeValidator(_no_when_null)] = Field(
        default=False, description="Whether Llama Stack runs inside this process; wins over `url`."
    )
    library_client_config_path: str | None = Field(
        default=None,
        description="Run configuration (run.yaml) of the Llama Stack inside this process.",
    )
    timeout: PositiveInt = Field(default=180, description="Seconds that a call may take.")
    max_retries: PositiveInt = Field(
        default=5, description="Attempts to reach the server at start."
    )
    retry_delay: PositiveInt = Field(default=2, description="Seconds between two such attempts.")
    allow_degraded_mode: bool = Field(
        default=False, description="Whether the service starts although Llama Stack does not."
    )
    config: UnifiedLlamaStackConfiguration | None = Field(
        default=None, description="Run configuration written into this file."
    )

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        if self.url is None and not self.use_as_library_client:
            is_chosen = "use_as_library_client" in self.model_fields_set
            raise ValueError(
                "Llama Stack URL is not specified and library client mode is not "
                + ("enabled" if is_chosen else "specified")
            )
        return self


def check_run_configuration_source(
    stack: LlamaStackConfiguration, *, describes_providers: bool
) -> ConfigurationFormat:
    """Find out where the run configuration comes from.

    `describes_providers` says whether other sections describe one.

    Raises:
        ValueError: From nowhere, or from two places.
    """
    is_unified = stack.config is not None or describes_providers
    has_file = stack.library_client_config_path is not None
    if stack.use_as_library_client and not (is_unified or has_file):
        raise ValueError(
            "Llama Stack library mode requires a run-configuration source: set a non-empty "
            "inference.providers, a non-empty vector_store.providers, a llama_stack.config "
            "block, or library_client_config_path."
        )
    if is_unified and has_file:
        raise ValueError(
            "Llama Stack configuration is ambiguous: library_client_config_path names a run "
            "configuration, and llama_stack.config, inference.providers or "
            "vector_store.providers describe another; keep one of the two."
        )
    return ConfigurationFormat.UNIFIED if is_unified else ConfigurationFormat.LEGACY
