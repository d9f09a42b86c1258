"""Section `conversation_cache`: the original's second place for conversations."""

from enum import StrEnum
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from lightspeed_core.config.database import (
    PostgreSQLDatabaseConfiguration,
    SQLiteDatabaseConfiguration,
)
from lightspeed_core.config.section import Section


class ConversationCacheType(StrEnum):
    """What keeps the conversations."""

    NOOP = "noop"
    MEMORY = "memory"
    SQLITE = "sqlite"
    POSTGRES = "postgres"


_TITLES = {
    ConversationCacheType.MEMORY: "Memory",
    ConversationCacheType.SQLITE: "SQLite",
    ConversationCacheType.POSTGRES: "PostgreSQL",
}


class InMemoryCacheConfiguration(Section):
    """Conversations in memory, gone at a restart."""

    max_entries: PositiveInt = Field(description="Conversations kept; the oldest go first.")


class ConversationCacheConfiguration(Section):
    """Where conversations are kept when `database` is not configured."""

    type: ConversationCacheType | None = Field(
        default=None, description="What keeps conversations."
    )
    memory: InMemoryCacheConfiguration | None = Field(
        default=None, description="For type `memory`."
    )
    sqlite: SQLiteDatabaseConfiguration | None = Field(
        default=None, description="For type `sqlite`."
    )
    postgres: PostgreSQLDatabaseConfiguration | None = Field(
        default=None, description="For type `postgres`."
    )

    @model_validator(mode="after")
    def _check_backend(self) -> Self:
        given = {
            kind
            for kind, block in (
                (ConversationCacheType.MEMORY, self.memory),
                (ConversationCacheType.SQLITE, self.sqlite),
                (ConversationCacheType.POSTGRES, self.postgres),
            )
            if block is not None
        }
        if self.type is None:
            if given:
                raise ValueError(
                    "Conversation cache type must be set when backend configuration is provided"
                )
            return self
        if self.type is ConversationCacheType.NOOP:
            return self
        title = _TITLES[self.type]
        if self.type not in given:
            raise ValueError(f"{title} cache is selected, but not configured")
        if given != {self.type}:
            name = "memory" if self.type is ConversationCacheType.MEMORY else title
            raise ValueError(f"Only {name} cache config must be provided")
        return self
