"""Section `vector_store`: providers of vector stores in a synthesised run configuration."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from lightspeed_core.config.section import Section


class VectorStoreProviderType(StrEnum):
    """What holds the vectors."""

    FAISS = "faiss"
    PGVECTOR = "pgvector"


def _check_id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]+", value):
        raise ValueError("id may contain only lowercase letters, digits, underscores, and hyphens")
    if value.startswith("byok_"):
        raise ValueError("id must not start with 'byok_'")
    return value


class VectorStoreProvider(Section):
    """A provider of vector stores."""

    type: VectorStoreProviderType = Field(description="What holds the vectors.")
    id: Annotated[str, AfterValidator(_check_id)] = Field(description="Its id.")
    embedding_model: str | None = Field(default=None, description="Model that embeds its texts.")
    embedding_dimension: PositiveInt | None = Field(
        default=None, description="Length of its vectors."
    )
    config: Mapping[str, Any] = Field(default_factory=dict, description="Further settings of it.")


class VectorStoreConfiguration(Section):
    """Providers of vector stores in a synthesised run configuration."""

    default_provider: str | None = Field(default=None, description="Provider of new vector stores.")
    providers: tuple[VectorStoreProvider, ...] = Field(default=(), description="The providers.")

    @model_validator(mode="after")
    def _check_providers(self) -> Self:
        if not self.providers:
            return self
        ids = [provider.id for provider in self.providers]
        if self.default_provider is None:
            raise ValueError(
                "vector_store.default_provider is required when providers is non-empty"
            )
        if len(set(ids)) != len(ids):
            raise ValueError(f"vector_store.providers ids must be unique: {ids}")
        if self.default_provider not in ids:
            raise ValueError(
                f"vector_store.default_provider '{self.default_provider}' is not one of {ids}"
            )
        return self
