"""Section `database`, and the two database blocks that other sections use as well."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from lightspeed_core.config.section import Port, Section

# In bytes (https://www.postgresql.org/docs/current/sql-syntax-lexical.html).
_LONGEST_NAME: Final = 63


class SSLMode(StrEnum):
    """PostgreSQL's `sslmode`."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class GSSEncMode(StrEnum):
    """PostgreSQL's `gssencmode`."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"


class SQLiteDatabaseConfiguration(Section):
    """A database in one file."""

    db_path: str = Field(min_length=1, description="Path of the database file.")


def _check_namespace(namespace: str) -> str:
    """Refuse what PostgreSQL would cut off or not take; it is quoted, so any word may stand."""
    if not 0 < len(namespace.encode()) <= _LONGEST_NAME or "\0" in namespace:
        raise ValueError(f"Invalid namespace: {namespace}")
    return namespace


class PostgreSQLDatabaseConfiguration(Section):
    """A PostgreSQL server."""

    host: str = Field(
        default="localhost", description="Host name, or the directory of a Unix socket."
    )
    port: Port = Field(default=5432, description="TCP port.")
    db: str = Field(min_length=1, description="Name of the database.")
    user: str = Field(min_length=1, description="User name.")
    password: SecretStr = Field(description="Password.")
    namespace: Annotated[str, AfterValidator(_check_namespace)] | None = Field(
        default="lightspeed-stack", description="Schema of the tables; created when it is missing."
    )
    ssl_mode: SSLMode = Field(default=SSLMode.PREFER, description="When to use TLS.")
    gss_encmode: GSSEncMode = Field(
        default=GSSEncMode.PREFER,
        description="When to encrypt by GSSAPI; this version never does.",
    )
    ca_cert_path: FilePath | None = Field(default=None, description="Certificates to trust, PEM.")


type DatabaseBackend = SQLiteDatabaseConfiguration | PostgreSQLDatabaseConfiguration


class DatabaseConfiguration(Section):
    """Where conversations and everything about them are kept.

    A loaded configuration names one of the two, or neither when conversations are configured
    to live in memory.
    """

    sqlite: SQLiteDatabaseConfiguration | None = Field(default=None, description="A database file.")
    postgres: PostgreSQLDatabaseConfiguration | None = Field(
        default=None, description="A PostgreSQL server, for several hosts."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.sqlite is not None and self.postgres is not None:
            raise ValueError("Only one database configuration can be provided")
        return self

    @property
    def backend(self) -> DatabaseBackend | None:
        """The database that is configured; None keeps everything in memory."""
        return self.sqlite or self.postgres
