"""Sections `byok_rag`, `rag.byok` and `rag.okp`: which stores there are besides run.yaml's."""

from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import (
    BeforeValidator,
    Field,
    FilePath,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

from lightspeed_core.config.section import HttpUrl, Port, Section

OKP: Final = "okp"


class RagBackend(StrEnum):
    """What holds the vectors."""

    FAISS = "faiss"
    PGVECTOR = "pgvector"


def _known_backend(value: Any) -> Any:
    names = [backend.value for backend in RagBackend]
    if value not in names:
        raise ValueError(f"Unsupported RAG backend '{value}'. Supported backends: {names}")
    return value


_BACKENDS: Final = {
    "inline::faiss": RagBackend.FAISS,
    "inline::faiss_hybrid": RagBackend.FAISS,
    "remote::pgvector": RagBackend.PGVECTOR,
}


class ByokRag(Section):
    """A vector store of one's own, in the older form."""

    rag_id: str = Field(min_length=1, description="Its id in this file, shown to clients.")
    rag_type: str = Field(
        default="inline::faiss",
        description="Type of its provider: `inline::faiss` or `remote::pgvector`.",
    )
    embedding_model: str = Field(
        default="sentence-transformers/all-mpnet-base-v2", description="Model that embedded it."
    )
    embedding_dimension: PositiveInt = Field(default=768, description="Length of its vectors.")
    vector_db_id: str = Field(min_length=1, description="Its id in Llama Stack.")
    db_path: FilePath = Field(description="Its database file.")

    @property
    def backend(self) -> RagBackend | None:
        """What holds the vectors; None for a type that only a run.yaml can serve."""
        return _BACKENDS.get(self.rag_type)


class ByokStore(Section):
    """A vector store of one's own."""

    rag_id: str = Field(min_length=1, description="Its id in this file, shown to clients.")
    backend: Annotated[RagBackend, BeforeValidator(_known_backend)] = Field(
        default=RagBackend.FAISS, description="What holds the vectors."
    )
    embedding_model: str = Field(
        default="sentence-transformers/all-mpnet-base-v2", description="Model that embedded it."
    )
    embedding_dimension: PositiveInt = Field(default=768, description="Length of its vectors.")
    vector_db_id: str = Field(min_length=1, description="Its id in Llama Stack.")
    db_path: FilePath | None = Field(default=None, description="Its database file (`faiss`).")
    score_multiplier: PositiveFloat = Field(
        default=1.0, description="What its scores are multiplied with before stores are merged."
    )
    relevance_cutoff_score: PositiveFloat = Field(
        default=0.3, description="Lowest score that counts, as the store gives it."
    )
    host: str | None = Field(default=None, description="Host (`pgvector`); unset: `POSTGRES_HOST`.")
    port: Port | None = Field(
        default=None, description="Port (`pgvector`); unset: `POSTGRES_PORT`."
    )
    db: str | None = Field(default=None, description="Database (`pgvector`); unset: `POSTGRES_DB`.")
    user: str | None = Field(default=None, description="User (`pgvector`); unset: `POSTGRES_USER`.")
    password: SecretStr | None = Field(
        default=None, description="Password (`pgvector`); unset: `POSTGRES_PASSWORD`."
    )

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        if self.backend is RagBackend.FAISS and self.db_path is None:
            raise ValueError("db_path is required when backend is 'faiss'")
        return self


class ByokConfiguration(Section):
    """Vector stores of one's own."""

    max_chunks: PositiveInt = Field(default=10, description="Chunks taken from all of them.")
    stores: tuple[ByokStore, ...] = Field(default=(), description="The stores.")

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        seen: set[str] = set()
        for store in self.stores:
            if store.rag_id in seen:
                raise ValueError(
                    f"Duplicate rag_id '{store.rag_id}' in rag.byok.stores. "
                    "Each store must have a unique rag_id."
                )
            seen.add(store.rag_id)
        return self


class OkpSearchMode(StrEnum):
    """How the knowledge portal is searched."""

    SEMANTIC = "semantic"
    HYBRID = "hybrid"
    KEYWORD = "keyword"


class OkpConfiguration(Section):
    """The offline knowledge portal."""

    rhokp_url: HttpUrl | None = Field(default=None, description="Its address.")
    offline: bool = Field(default=True, description="Whether links point to the portal itself.")
    chunk_filter_query: str | None = Field(default=None, description="Filter of every search.")
    search_mode: OkpSearchMode = Field(
        default=OkpSearchMode.SEMANTIC, description="How it is searched."
    )
    max_chunks: PositiveInt = Field(default=5, description="Chunks taken from it.")
