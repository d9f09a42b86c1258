"""Settings of the provider in run.yaml."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lightspeed_stack_providers.vector_stores.languages import Language

type SSLMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class Hnsw(BaseModel):
    """The index of vectors, as pgvector explains its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    m: int = Field(default=16, ge=2, le=100, description="Connections of a vector in each layer.")
    ef_construction: int = Field(
        default=64, ge=4, le=1000, description="Candidates that are kept while the index is built."
    )
    ef_search: int = Field(
        default=100, ge=1, le=1000, description="Candidates that are kept in a search."
    )


class PgvectorAsyncConfig(BaseModel):
    """One database; it holds any number of vector stores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="localhost", description="Host name, or the directory of a Unix socket."
    )
    port: int = Field(default=5432, ge=1, le=65535, description="TCP port.")
    db: str = Field(min_length=1, description="Name of the database.")
    user: str = Field(min_length=1, description="User name.")
    password: SecretStr = Field(default=SecretStr(""), description="Password.")
    ssl_mode: SSLMode = Field(default="prefer", description="When to use TLS.")
    ca_cert_path: Path | None = Field(default=None, description="Certificates to trust, PEM.")
    namespace: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="Schema of the tables; created when it is missing. Without it they are in the "
        "first schema of the user's search path.",
    )
    table_prefix: str = Field(
        default="lcs_vector_",
        pattern=r"^[a-z_][a-z0-9_]{0,30}$",
        description="How the names of all tables begin.",
    )
    pool_size: int = Field(default=8, ge=1, description="Connections at most, of each process.")
    statement_seconds: float = Field(
        default=60.0, gt=0, description="How long a statement may take."
    )
    hnsw: Hnsw = Field(default_factory=Hnsw, description="The index of vectors.")
    keyword_language: Language = Field(
        default="english",
        description="Language of the word stems and stop words of keyword search, for documents "
        "that do not tell theirs in the metadata `language`. A change holds for chunks that are "
        "inserted afterwards.",
    )
    mark_queries: bool = Field(
        default=False,
        description="Send `input_type: query` along when a question is embedded, for models with "
        "prefixes of their own for questions.",
    )

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port}/{self.db}"
