"""The small sections about other systems: A2A, Azure, Splunk, skills, stateless requests."""

from enum import StrEnum
from typing import Self

from pydantic import Field, FilePath, PositiveInt, SecretStr, model_validator

from lightspeed_core.config.database import (
    PostgreSQLDatabaseConfiguration,
    SQLiteDatabaseConfiguration,
)
from lightspeed_core.config.section import HttpUrl, Section


class A2AStateConfiguration(Section):
    """Where the state of agents' tasks is kept; neither: in memory."""

    sqlite: SQLiteDatabaseConfiguration | None = Field(default=None, description="A database file.")
    postgres: PostgreSQLDatabaseConfiguration | None = Field(
        default=None, description="A PostgreSQL server."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.sqlite is not None and self.postgres is not None:
            raise ValueError("Only one A2A state storage configuration can be provided")
        return self


class AzureEntraIdConfiguration(Section):
    """Tokens for models in Azure."""

    tenant_id: SecretStr = Field(description="The tenant.")
    client_id: SecretStr = Field(description="The client.")
    client_secret: SecretStr = Field(description="Its secret.")
    scope: str = Field(
        default="https://cognitiveservices.azure.com/.default", description="What the token is for."
    )


class SplunkConfiguration(Section):
    """Events for Splunk."""

    enabled: bool = Field(default=False, description="Whether events are sent.")
    url: HttpUrl | None = Field(default=None, description="Address of the collector.")
    token_path: FilePath | None = Field(default=None, description="File of the token.")
    index: str | None = Field(default=None, description="Index of the events.")
    source: str = Field(default="lightspeed-stack", description="Source of the events.")
    timeout: PositiveInt = Field(default=5, description="Seconds that a call may take.")
    verify_ssl: bool = Field(default=True, description="Whether the certificate is checked.")

    @model_validator(mode="after")
    def _check_required(self) -> Self:
        required = {"url": self.url, "token_path": self.token_path, "index": self.index}
        missing = [name for name, value in required.items() if value is None]
        if self.enabled and missing:
            raise ValueError(
                f"Splunk is enabled but required fields are missing: {', '.join(missing)}"
            )
        return self


class SkillsConfiguration(Section):
    """Skills for the model."""

    paths: tuple[str, ...] = Field(default=(), description="Directories with a `SKILL.md` each.")


class QuotaSubject(StrEnum):
    """Whose quota a stateless request counts against."""

    USER_ID = "user_id"
    ORG_ID = "org_id"
    SYSTEM_ID = "system_id"


class RlsapiV1Configuration(Section):
    """Stateless requests of a command line assistant."""

    allow_verbose_infer: bool = Field(
        default=False, description="Whether answers may tell details."
    )
    quota_subject: QuotaSubject | None = Field(default=None, description="Whose quota is counted.")
