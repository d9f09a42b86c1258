"""A database as the original service leaves it: its tables and rows, on SQLite and PostgreSQL.

Tables are as the contract lists them, in their older and their newer shape.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings, connect_as_it_is

SHAPES = ("older", "newer")
BEGINNING = datetime(2025, 10, 10, 9, 12, 10, tzinfo=UTC)
DOCUMENTS = [{"doc_url": "https://d.example/olm", "doc_title": "OLM", "source": "ocp"}]
CALLS = [{"id": "fc_1", "name": "file_search", "args": {"query": "olm"}, "type": "mcp_call"}]
RESULTS = [{"id": "fc_1", "status": "success", "content": "found", "type": "mcp_call", "round": 2}]

_METADATA = """
CREATE TABLE {s}user_conversation (id VARCHAR PRIMARY KEY, user_id VARCHAR NOT NULL,
  last_used_model VARCHAR NOT NULL, last_used_provider VARCHAR NOT NULL,
  created_at {zoned} DEFAULT CURRENT_TIMESTAMP, last_message_at {zoned} DEFAULT CURRENT_TIMESTAMP,
  message_count INTEGER NOT NULL DEFAULT 0, topic_summary VARCHAR NOT NULL DEFAULT ''{newer})
"""
_TURNS = """
CREATE TABLE {s}user_turn (conversation_id VARCHAR NOT NULL
    REFERENCES {s}user_conversation (id) ON DELETE CASCADE,
  turn_number INTEGER NOT NULL, started_at {zoned}, completed_at {zoned},
  provider VARCHAR NOT NULL, model VARCHAR NOT NULL, response_id VARCHAR,
  PRIMARY KEY (conversation_id, turn_number))
"""
_PROMPTS = """
CREATE TABLE {s}saved_prompt (id VARCHAR PRIMARY KEY, user_id VARCHAR NOT NULL,
  name VARCHAR(255) NOT NULL, content VARCHAR NOT NULL, created_at {zoned}, updated_at {zoned},
  UNIQUE (user_id, name))
"""
_CACHE = """
CREATE TABLE {s}cache (user_id text NOT NULL, conversation_id text NOT NULL, created_at {moment},
  started_at text, completed_at text, query text, response text, provider text, model text{newer},
  PRIMARY KEY (user_id, conversation_id, created_at))
"""
_NAMED = """
CREATE TABLE {s}conversations (user_id text NOT NULL, conversation_id text NOT NULL,
  topic_summary text, last_message_timestamp {moment} NOT NULL,
  PRIMARY KEY (user_id, conversation_id))
"""
_SUMMARIES = """
CREATE TABLE {s}conversation_summaries (user_id text NOT NULL, conversation_id text NOT NULL,
  created_at {moment} NOT NULL, summarized_through_turn INTEGER, token_count INTEGER,
  model_used text, summary_text text, PRIMARY KEY (user_id, conversation_id, created_at))
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A question that somebody asked, with its answer."""

    query: str
    user_id: str = "ann"
    seconds: float = 0.0
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def at(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.seconds)


@dataclass(frozen=True, kw_only=True)
class Old:
    """A conversation of the original; parts that are None it does not keep."""

    conversation_id: str
    user_id: str | None = "ann"
    said: Sequence[Said] = ()
    topic: str = "Old Topic"
    cached_topic: str | None = None
    cached_as: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Original:
    """The database; `schema` is where its tables are on PostgreSQL."""

    settings: DatabaseSettings
    schema: str | None = None
    shape: str = "newer"

    @property
    def is_sqlite(self) -> bool:
        return isinstance(self.settings, SqliteSettings)

    async def execute(self, statement: str, rows: Sequence[Mapping[str, Any]] = ()) -> list[Any]:
        """Run a statement; `{s}` stands for the schema."""

        def work(connection: Connection) -> list[Any]:
            said = text(statement.replace("{s}", f'"{self.schema}".' if self.schema else ""))
            result = connection.execute(said, list(rows)) if rows else connection.execute(said)
            return list(result) if result.returns_rows else []

        engine = connect_as_it_is(self.settings)
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    async def create(self, *, metadata: bool = True, cache: bool = True) -> None:
        """Create the tables."""
        if self.schema:
            await self.execute(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
        zoned = "DATETIME" if self.is_sqlite else "TIMESTAMP WITH TIME ZONE"
        moment = "INT" if self.is_sqlite else "TIMESTAMP"
        newer = self.shape == "newer"
        if metadata:
            more = ", last_response_id VARCHAR" if newer else ""
            await self.execute(_METADATA.replace("{zoned}", zoned).replace("{newer}", more))
            if newer:
                await self.execute(_TURNS.replace("{zoned}", zoned))
                await self.execute(_PROMPTS.replace("{zoned}", zoned))
        if cache:
            more = ", referenced_documents text, tool_calls text, tool_results text"
            await self.execute(
                _CACHE.replace("{moment}", moment).replace("{newer}", more if newer else "")
            )
            await self.execute(_NAMED.replace("{moment}", moment))
            if newer:
                await self.execute(_SUMMARIES.replace("{moment}", moment))

    async def add(self, *olds: Old, metadata: bool = True, cache: bool = True) -> None:
        """Add conversations."""
        if metadata and (rows := [self._metadata(old) for old in olds if old.user_id is not None]):
            await self._insert("user_conversation", rows)
            if self.shape == "newer" and (turns := [t for old in olds for t in self._turns(old)]):
                await self._insert("user_turn", turns)
        if not cache:
            return
        if rows := [self._cached(old, said) for old in olds for said in old.said]:
            await self._insert("cache", rows)
        if rows := [row for old in olds for row in self._named(old)]:
            await self._insert("conversations", rows)

    async def add_prompt(self, prompt_id: str, name: str, **changes: Any) -> None:
        """Add a prompt that a user saved."""
        row = {
            "id": prompt_id,
            "user_id": "ann",
            "name": name,
            "content": f"Content of {name}",
            "created_at": self._zoned(BEGINNING),
            "updated_at": self._zoned(BEGINNING),
        }
        await self._insert("saved_prompt", [row | changes])

    async def count(self, table: str, **where: str) -> int:
        """Count the rows of a table."""
        condition = " AND ".join(f"{name} = '{value}'" for name, value in where.items()) or "1 = 1"
        return (await self.execute(f"SELECT count(*) FROM {{s}}{table} WHERE {condition}"))[0][0]

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables."""
        names = ["user_conversation", "cache", "conversations"]
        names += ["user_turn", "conversation_summaries"] if self.shape == "newer" else []
        return {
            name: sorted(map(tuple, await self.execute(f"SELECT * FROM {{s}}{name}")), key=repr)
            for name in names
        }

    async def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        names = list(rows[0])
        values = ", ".join(f":{name}" for name in names)
        await self.execute(f"INSERT INTO {{s}}{table} ({', '.join(names)}) VALUES ({values})", rows)

    def _metadata(self, old: Old) -> dict[str, Any]:
        last = max((said.at for said in old.said), default=BEGINNING)
        return {
            "id": old.conversation_id,
            "user_id": old.user_id,
            "last_used_model": "fake-llm",
            "last_used_provider": "openai",
            "created_at": self._zoned(BEGINNING),
            "last_message_at": self._zoned(last),
            "message_count": len(old.said),
            "topic_summary": old.topic,
            **old.metadata,
        }

    def _turns(self, old: Old) -> list[dict[str, Any]]:
        return [
            {
                "conversation_id": old.conversation_id,
                "turn_number": number,
                "started_at": self._zoned(said.at),
                "completed_at": self._zoned(said.at),
                "provider": "openai",
                "model": "fake-llm",
                "response_id": f"resp_{number}",
            }
            for number, said in enumerate(old.said if old.user_id is not None else (), start=1)
        ]

    def _cached(self, old: Old, said: Said) -> dict[str, Any]:
        newer = {
            "referenced_documents": json.dumps(DOCUMENTS),
            "tool_calls": json.dumps(CALLS),
            "tool_results": json.dumps(RESULTS),
        }
        return {
            "user_id": said.user_id,
            "conversation_id": old.cached_as or old.conversation_id,
            "created_at": self._moment(said.at),
            "started_at": wire(said.at),
            "completed_at": wire(said.at + timedelta(seconds=2)),
            "query": said.query,
            "response": f"Answer to {said.query}",
            "provider": "openai",
            "model": "fake-llm",
            **(newer if self.shape == "newer" else {}),
            **said.fields,
        }

    def _named(self, old: Old) -> list[dict[str, Any]]:
        last = {said.user_id: said.at for said in old.said}
        return [
            {
                "user_id": user_id,
                "conversation_id": old.cached_as or old.conversation_id,
                "topic_summary": old.cached_topic,
                "last_message_timestamp": self._moment(at),
            }
            for user_id, at in last.items()
        ]

    def _moment(self, at: datetime) -> Any:
        return at.timestamp() if self.is_sqlite else at.replace(tzinfo=None)

    def _zoned(self, at: datetime) -> Any:
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") if self.is_sqlite else at


def wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def an_id(number: int) -> str:
    """Return the id of a conversation; every third is one of Llama Stack's own."""
    return f"{number:048x}" if number % 3 == 2 else str(UUID(int=number, version=4))


def old_conversations(count: int, *, users: int = 1, turns: int = 2) -> list[Old]:
    """Return conversations in which each question names its conversation and its number."""
    return [
        Old(
            conversation_id=an_id(number),
            user_id=f"user-{number % users}",
            topic=f"Topic {number}",
            said=[
                Said(
                    query=f"question {number}.{turn}",
                    user_id=f"user-{number % users}",
                    seconds=number + turn / 10,
                )
                for turn in range(turns)
            ],
        )
        for number in range(count)
    ]
