"""Section `quota_handlers`: how many tokens may be spent."""

from enum import StrEnum
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from lightspeed_core.config.database import (
    PostgreSQLDatabaseConfiguration,
    SQLiteDatabaseConfiguration,
)
from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.section import Section


class QuotaLimiterType(StrEnum):
    """Whose tokens are counted."""

    USER = "user_limiter"
    CLUSTER = "cluster_limiter"


class QuotaLimiterConfiguration(Section):
    """One quota."""

    type: QuotaLimiterType = Field(description="Whose tokens are counted.")
    name: str = Field(min_length=1, description="Its name.")
    initial_quota: NonNegativeInt = Field(description="Tokens at first and after each reset.")
    quota_increase: NonNegativeInt = Field(description="Tokens added after each period.")
    period: str = Field(
        min_length=1,
        description="How often it is renewed: an interval of PostgreSQL, such as `1 day`.",
    )

    @field_validator("period")
    @classmethod
    def _check_period(cls, period: str) -> str:
        parse_interval(period)
        return period


class QuotaSchedulerConfiguration(Section):
    """When quotas are renewed."""

    period: PositiveInt = Field(default=1, description="Seconds between two checks.")
    database_reconnection_count: PositiveInt = Field(
        default=10, description="Attempts to reconnect."
    )
    database_reconnection_delay: PositiveInt = Field(default=1, description="Seconds between them.")


class QuotaHandlersConfiguration(Section):
    """How many tokens may be spent."""

    sqlite: SQLiteDatabaseConfiguration | None = Field(default=None, description="A database file.")
    postgres: PostgreSQLDatabaseConfiguration | None = Field(
        default=None, description="A PostgreSQL server."
    )
    limiters: tuple[QuotaLimiterConfiguration, ...] = Field(default=(), description="The quotas.")
    scheduler: QuotaSchedulerConfiguration = Field(
        default=QuotaSchedulerConfiguration(), description="When quotas are renewed."
    )
    enable_token_history: bool = Field(
        default=False, description="Whether spent tokens are listed."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.sqlite is not None and self.postgres is not None:
            raise ValueError("Only one quota storage configuration can be provided")
        return self
