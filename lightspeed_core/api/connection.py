"""Work on behalf of a client that may go away."""

import asyncio
from collections.abc import Awaitable

from starlette.types import Receive


class ClientGone(Exception):
    """The client closed its connection before the answer was ready."""


async def while_connected[T](receive: Receive, work: Awaitable[T]) -> T:
    """Return the outcome of the work; cancels it and raises `ClientGone` when nobody waits."""
    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(_watch(receive))
            outcome = await work
            watcher.cancel()
    except BaseExceptionGroup as failures:
        # Of the two sides only one can fail: the other is cancelled.
        raise failures.exceptions[0] from None
    return outcome


async def _watch(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone
