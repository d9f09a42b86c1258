"""Wakes those in this process who wait for a conversation to become free."""

import asyncio
from contextlib import suppress
from weakref import WeakValueDictionary


class Changes:
    """News of conversations; says that something changed, and not what."""

    def __init__(self) -> None:
        self._next = WeakValueDictionary[str, asyncio.Event]()

    def next(self, conversation_id: str) -> asyncio.Event:
        """Return the event of the next change; take it before looking, so as to miss none."""
        event = self._next.get(conversation_id)
        if event is None:
            event = self._next[conversation_id] = asyncio.Event()
        return event

    def announce(self, conversation_id: str) -> None:
        """Wake all who wait for a change of the conversation."""
        event = self._next.pop(conversation_id, None)
        if event is not None:
            event.set()


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
