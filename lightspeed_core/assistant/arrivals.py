"""Keep questions of one conversation in the order of their arrival until the store has them.

What is asked of databases and the engine before a turn is received takes a different time for
each; without this a later question could overtake an earlier one.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Arrivals:
    """One queue per conversation, for as long as somebody stands in it."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def in_order(self, conversation_id: str | None) -> AsyncGenerator[None]:
        """Enter one after another; without a conversation there is nobody to wait for."""
        if not conversation_id:
            yield
            return
        queue = self._queues.get(conversation_id)
        if queue is None:
            queue = self._queues[conversation_id] = asyncio.Lock()
        async with queue:  # asyncio's lock lets those who wait in first come, first served
            yield
