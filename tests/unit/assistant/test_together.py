import asyncio

import pytest

from lightspeed_core.assistant.together import together
from lightspeed_core.errors import EngineFailed


async def test_results_stand_in_the_order_of_the_calls() -> None:
    async def late(number: int) -> int:
        for _ in range(3 - number):
            await asyncio.sleep(0)
        return number

    assert await together(late(number) for number in range(3)) == [0, 1, 2]


async def test_the_first_failure_ends_the_others_and_is_raised_itself() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiting")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise EngineFailed("broken")

    async with asyncio.timeout(5):
        with pytest.raises(EngineFailed):
            await together([wait(), fail(), wait()])

    assert ended == ["waiting", "waiting"]
