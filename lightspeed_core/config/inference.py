"""Section `inference`: the default model and the limits of one turn."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from lightspeed_core.config.section import Section


class InferenceProviderType(StrEnum):
    """Providers that a synthesised run configuration can hold."""

    OPENAI = "openai"
    OLLAMA = "ollama"
    VLLM = "vllm"
    SENTENCE_TRANSFORMERS = "sentence_transformers"
    AZURE = "azure"
    VERTEXAI = "vertexai"
    WATSONX = "watsonx"
    VLLM_RHAIIS = "vllm_rhaiis"
    VLLM_RHEL_AI = "vllm_rhel_ai"


def _check_provider_id(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError(
            "id must be non-empty after stripping whitespace; leave it out to use the type"
        )
    if not re.fullmatch(r"[a-z0-9_-]+", value):
        raise ValueError("id may contain only lowercase letters, digits, underscores, and hyphens")
    return value


ProviderId = Annotated[str, AfterValidator(_check_provider_id)]


class InferenceProvider(Section):
    """A provider of models in a synthesised run configuration."""

    type: InferenceProviderType = Field(description="Kind of provider.")
    id: ProviderId | None = Field(default=None, description="Its id; unset: the type.")
    api_key_env: str | None = Field(
        default=None, description="Environment variable of its key; unset: that of the type."
    )
    allowed_models: tuple[str, ...] | None = Field(
        default=None, description="Models that it lists; unset: all."
    )
    extra: Mapping[str, Any] = Field(default_factory=dict, description="Further settings of it.")


class InferenceConfiguration(Section):
    """The default model and the limits of one turn."""

    default_model: str | None = Field(default=None, description="Model of requests that name none.")
    default_provider: str | None = Field(default=None, description="Provider of the default model.")
    context_windows: Mapping[str, PositiveInt] = Field(
        default_factory=dict, description="Context windows in tokens, by `provider/model`."
    )
    providers: tuple[InferenceProvider, ...] = Field(
        default=(), description="Providers of a synthesised run configuration."
    )
    models_without_tools: tuple[str, ...] = Field(
        default=(),
        description="Models that are offered no tools, as `provider/model`; those that say so "
        "themselves need not be named.",
    )
    max_infer_iters: PositiveInt | None = Field(default=10, description="Model calls in one turn.")
    max_tool_calls: PositiveInt | None = Field(default=30, description="Tool calls in one turn.")

    @model_validator(mode="after")
    def _check_default(self) -> Self:
        if self.default_model is None and self.default_provider is not None:
            raise ValueError("Default model must be specified when default provider is set")
        if self.default_provider is None and self.default_model is not None:
            raise ValueError("Default provider must be specified when default model is set")
        return self
