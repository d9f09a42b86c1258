"""Work for a client that may go away."""

import asyncio

import pytest
from starlette.types import Message

from lightspeed_core.api.connection import ClientGone, while_connected
from lightspeed_core.errors import Conflict

BOUND_SECONDS = 5.0


class Line:
    """A connection that the test cuts."""

    def __init__(self) -> None:
        self.cut = asyncio.Event()
        self.unread = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def receive(self) -> Message:
        if self.unread:
            return self.unread.pop()
        await self.cut.wait()
        return {"type": "http.disconnect"}


async def test_work_that_is_done_returns_its_outcome() -> None:
    async def work() -> str:
        return "done"

    async with asyncio.timeout(BOUND_SECONDS):
        assert await while_connected(Line().receive, work()) == "done"


async def test_a_failure_of_the_work_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise Conflict("busy", "an earlier turn runs")

    async with asyncio.timeout(BOUND_SECONDS):
        with pytest.raises(Conflict, match="an earlier turn runs"):
            await while_connected(Line().receive, work())


async def test_a_client_that_goes_away_ends_the_work() -> None:
    line = Line()
    ended = asyncio.Event()

    async def work() -> None:
        line.cut.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(BOUND_SECONDS):
        with pytest.raises(ClientGone):
            await while_connected(line.receive, work())
    assert ended.is_set()


async def test_cancelling_from_outside_stays_a_cancellation() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(BOUND_SECONDS), asyncio.TaskGroup() as group:
        task = group.create_task(while_connected(Line().receive, work()))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
