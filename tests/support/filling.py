"""Fills a database with conversations as the service would have left them, in bulk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Table, insert

from lightspeed_core.conversations.encoding import encode
from lightspeed_core.conversations.tables import conversations, turns
from lightspeed_core.db.database import Database
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef, Turn, TurnState

MODEL: Final = ModelRef(provider="openai", model="fake-llm")
BEGINNING: Final = datetime(2025, 11, 1, tzinfo=UTC)
WORDS: Final = 50
NOBODY: Final = "0" * 32
_AT_ONCE: Final = 2_000
_BETWEEN_TURNS: Final = timedelta(seconds=20)

type Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Past:
    """A conversation that was held long ago; `number` puts conversations in order of time."""

    conversation_id: str
    user_id: str
    turns: int
    number: int = 0


async def fill(database: Database, pasts: Iterable[Past]) -> None:
    """Store conversations with all their turns; their journals are purged already."""
    for some in batched(pasts, _AT_ONCE // 10):
        await _insert(database, conversations, (_conversation_row(past) for past in some))
        await _insert(database, turns, (row for past in some for row in _turn_rows(past)))


async def _insert(database: Database, table: Table, rows: Iterable[Row]) -> None:
    for some in batched(rows, _AT_ONCE):

        def write(connection: Connection, some: tuple[Row, ...] = some) -> None:
            connection.execute(insert(table), list(some))

        await database.writer.call(write)


def bytes_of(rows: Iterable[Iterable[object]]) -> int:
    """Return how many bytes stand in rows, numbers and times written out."""
    return sum(
        len(value if isinstance(value, bytes) else str(value).encode())
        for row in rows
        for value in row
    )


def _conversation_row(past: Past) -> Row:
    return {
        "conversation_id": past.conversation_id,
        "user_id": past.user_id,
        "created_at": _start(past, 1),
        "last_message_at": _start(past, past.turns) + timedelta(seconds=2),
        "message_count": past.turns,
        "topic_summary": "How To Start",
        "last_used_provider": MODEL.provider,
        "last_used_model": MODEL.model,
    }


def _turn_rows(past: Past) -> Iterator[Row]:
    for position in range(1, past.turns + 1):
        started_at = _start(past, position)
        ended_at = started_at + timedelta(seconds=2)
        yield {
            "turn_id": str(uuid4()),
            "conversation_id": past.conversation_id,
            "user_id": past.user_id,
            "position": position,
            "state": TurnState.COMPLETED.value,
            "started_at": started_at,
            "completed_at": ended_at,
            "ended_at": ended_at,
            "lease_owner": NOBODY,
            "lease_expires_at": None,
            "interrupt_requested": False,
            "document": _DOCUMENT,
        }


def _start(past: Past, position: int) -> datetime:
    return BEGINNING + timedelta(seconds=past.number) + position * _BETWEEN_TURNS


_DOCUMENT: Final = encode(
    Turn(
        turn_id="",
        conversation_id="",
        user_id="",
        question="How do I start the service with a configuration of my own?",
        model=MODEL,
        started_at=BEGINNING,
        state=TurnState.COMPLETED,
        text="".join(f"w{number} " for number in range(WORDS)),
        usage=TokenUsage(input_tokens=120, output_tokens=WORDS),
    )
)
