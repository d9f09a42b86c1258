"""Feedback, collectors over memory to give it to, and the switch over every store."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.user_data.feedback import FeedbackCollector
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.sql import SqlFeedbackStatus
from lightspeed_core.user_data.status import FeedbackStatusStore, MemoryFeedbackStatus
from tests.support.scripted_assistant import CONVERSATION_ID

GOOD: Final[Mapping[str, Any]] = {
    "conversation_id": CONVERSATION_ID,
    "user_question": "foo",
    "llm_response": "bar",
    "sentiment": -1,
    "user_feedback": "Not satisfied",
    "categories": ["incorrect", "incomplete"],
}

type NewSwitch = Callable[[], Awaitable[FeedbackStatusStore]]


def a_collector(
    directory: Path | None,
    *,
    owners: Mapping[str, str] | None = None,
    failures: list[None] | None = None,
) -> FeedbackCollector:
    """Return a collector that is on; `owners` are users by conversation."""

    async def owner_of(conversation_id: str) -> str | None:
        return (owners or {}).get(conversation_id)

    noted: list[None] = [] if failures is None else failures
    return FeedbackCollector(
        status=MemoryFeedbackStatus(configured=True),
        directory=directory,
        files=JsonFiles(lambda: noted.append(None)),
        owner_of=owner_of,
    )


@asynccontextmanager
async def open_switches(settings: DatabaseSettings | None) -> AsyncGenerator[NewSwitch]:
    """Give a function that opens the switch as one more worker; it is configured to be on.

    It is in memory when no database is named.
    """
    memory = MemoryFeedbackStatus(configured=True)
    async with AsyncExitStack() as stack:

        async def new_switch() -> FeedbackStatusStore:
            if settings is None:
                return memory.beside()
            switch = SqlFeedbackStatus(Database(settings), configured=True)
            await switch.open()
            stack.push_async_callback(switch.close)
            return switch

        yield new_switch
