"""Section `quota_handlers`: how many tokens may be spent."""

from enum import StrEnum
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from lightspeed_core.config.database import (
    DatabaseBackend,
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

    type: QuotaLimiterType = Field(
        description="Whose tokens are counted: each user's, or those of all users together."
    )
    name: str = Field(
        min_length=1,
        description="Its name, which no other has. A limiter of a new name begins anew.",
    )
    initial_quota: NonNegativeInt = Field(
        description="Tokens at first; where it is above 0, also after each period."
    )
    quota_increase: NonNegativeInt = Field(
        description="Tokens added after each period, where `initial_quota` is 0."
    )
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
        default=10,
        description=(
            "Attempts to reach the database: at the start, which fails after them, and at each "
            "check, which is then skipped."
        ),
    )
    database_reconnection_delay: PositiveInt = Field(default=1, description="Seconds between them.")


class QuotaHandlersConfiguration(Section):
    """How many tokens may be spent."""

    sqlite: SQLiteDatabaseConfiguration | None = Field(
        default=None, description="A database file; without one, `database` is used."
    )
    postgres: PostgreSQLDatabaseConfiguration | None = Field(
        default=None, description="A PostgreSQL server, in place of a file."
    )
    limiters: tuple[QuotaLimiterConfiguration, ...] = Field(
        default=(), description="The quotas; without any, nothing is counted."
    )
    scheduler: QuotaSchedulerConfiguration = Field(
        default=QuotaSchedulerConfiguration(), description="When quotas are renewed."
    )
    enable_token_history: bool = Field(
        default=False,
        description=(
            "Whether the tokens that users spend are summed up by provider and model, in the "
            "table `lcs_token_usage`."
        ),
    )
    reserved_answer_tokens: PositiveInt = Field(
        default=4096,
        description=(
            "Tokens that a question reserves for its answer, beside those of its prompt; what it "
            "does not use is given back. Answers that are longer may spend more than was left."
        ),
    )

    @property
    def backend(self) -> DatabaseBackend | None:
        """The database of its own that is configured; None for the service's."""
        return self.sqlite or self.postgres

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.sqlite is not None and self.postgres is not None:
            raise ValueError("Only one quota storage configuration can be provided")
        return self

    @field_validator("limiters")
    @classmethod
    def _check_names(
        cls, limiters: tuple[QuotaLimiterConfiguration, ...]
    ) -> tuple[QuotaLimiterConfiguration, ...]:
        names = [limiter.name for limiter in limiters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two limiters are named '{name}': give each a name of its own")
        return limiters
