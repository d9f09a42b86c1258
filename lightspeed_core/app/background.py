"""Tasks that last as long as the service and are cancelled, not awaited, at its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


@asynccontextmanager
async def background_group() -> AsyncGenerator[asyncio.TaskGroup]:
    """Open a task group whose tasks are cancelled when the block is left."""
    opened: asyncio.Future[asyncio.TaskGroup] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        async with asyncio.TaskGroup() as group:
            opened.set_result(group)
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as outer:
        holder = outer.create_task(hold(), name="background")
        try:
            yield await opened
        finally:
            holder.cancel()
