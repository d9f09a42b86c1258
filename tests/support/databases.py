"""Conversation stores to test against: one list of kinds, each opened as several workers."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.domain.turn import ModelRef, Turn, TurnState

STORE_KINDS = ("memory", "sqlite", "postgres")
NOON = datetime(2025, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)

type NewWorker = Callable[[], Awaitable[ConversationStore]]


class Store(Protocol):
    """What every store can do."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class ManualClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self._now = NOON

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@asynccontextmanager
async def open_workers(
    settings: DatabaseSettings | None, clock: Callable[[], datetime]
) -> AsyncGenerator[NewWorker]:
    """Give a function that opens one more worker on the same conversations.

    They are in memory when no database is named.
    """
    memory = MemoryConversationStore(clock=clock)
    async with AsyncExitStack() as stack:

        async def new_worker() -> ConversationStore:
            if settings is None:
                return memory.beside()
            store = SqlConversationStore(Database(settings), is_shared=True, clock=clock)
            return await stack.enter_async_context(store)

        yield new_worker


@asynccontextmanager
async def open_stores[S: Store](
    settings: DatabaseSettings | None, beside: Callable[[], S], over: Callable[[Database], S]
) -> AsyncGenerator[Callable[[], Awaitable[S]]]:
    """Give a function that opens a store as one more worker.

    It is `over` the database that is named, and `beside` others in memory when none is.
    """
    async with AsyncExitStack() as stack:

        async def new_store() -> S:
            store = beside() if settings is None else over(Database(settings))
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield new_store


def spell(settings: DatabaseSettings) -> str:
    """Return settings as a text that another process can be started with."""
    return json.dumps(asdict(settings), default=str)


def unspell(text: str) -> DatabaseSettings:
    """Return the settings that `spell` spelled."""
    fields = json.loads(text)
    if "path" in fields:
        return SqliteSettings(path=Path(fields["path"]), busy_timeout=fields["busy_timeout"])
    return PostgresSettings(**fields)


def a_turn(
    conversation_id: str | None = None,
    *,
    user_id: str = "ann",
    question: str = "Why?",
    started_at: datetime = NOON,
) -> Turn:
    """Return a turn as it is received."""
    return Turn(
        turn_id=str(uuid4()),
        conversation_id=conversation_id or str(uuid4()),
        user_id=user_id,
        question=question,
        model=ModelRef(provider="openai", model="small"),
        started_at=started_at,
        state=TurnState.WAITING,
    )


async def eventually[T](ask: Callable[[], Awaitable[T]], *, within: float = 5.0) -> T:
    """Ask until the answer is not empty, and return it."""
    async with asyncio.timeout(within):
        answer = await ask()
        while not answer:
            await asyncio.sleep(0.01)
            answer = await ask()
    return answer


def completed(turn: Turn, text: str = "Because.", *, after: float = 1.0) -> Turn:
    return replace(
        turn,
        state=TurnState.COMPLETED,
        text=text,
        completed_at=turn.started_at + timedelta(seconds=after),
    )


def batch(turn: Turn, index: int) -> JournalBatch:
    return JournalBatch(turn_id=turn.turn_id, index=index, payload=f"batch {index}".encode())


async def answered(store: ConversationStore, turn: Turn, *, is_new: bool = True) -> Turn:
    if is_new:
        store.begin_new(turn)
    else:
        await store.begin(turn)
    answer = completed(turn)
    await store.finish(answer, None)
    return answer
