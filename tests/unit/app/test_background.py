import asyncio

import pytest

from lightspeed_core.app.background import background_group


async def test_tasks_are_cancelled_when_the_block_is_left() -> None:
    cancelled = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with asyncio.timeout(5), background_group() as group:
        group.create_task(forever())
        await asyncio.sleep(0)

    assert cancelled.is_set()


async def test_a_task_that_fails_ends_the_block() -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    with pytest.RaisesGroup(RuntimeError, flatten_subgroups=True):
        async with asyncio.timeout(5), background_group() as group:
            group.create_task(fail())
            await asyncio.Event().wait()
