"""Run several calls at the same time; knows nothing of what they do."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together[T](calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results in the order of the calls.

    The first that fails ends the others, and its own exception is raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
