"""Decisions are written in batches, held while they cannot be, and counted when they are lost."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lightspeed_core.audit.decision import render_decision
from lightspeed_core.audit.trail import NoTrail, QueuedTrail
from lightspeed_core.errors import NotReady
from tests.support.audit import DECISION


@dataclass
class ListedChain:
    """Keeps records in memory, or refuses them."""

    records: list[str] = field(default_factory=list[str])
    lost: int = 0
    refusals: int = 0
    is_full: bool = False

    def append(self, records: Sequence[str], *, lost: int = 0) -> None:
        if self.is_full:
            self.refusals += 1
            raise OSError(28, "No space left on device")
        self.records += records
        self.lost += lost


@asynccontextmanager
async def running(chain: ListedChain | None, **settings: Any) -> AsyncGenerator[QueuedTrail]:
    trail = QueuedTrail(chain=chain, retry=0.01, is_logged=chain is None, **settings)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(trail.run())
        yield trail
        task.cancel()
    await trail.close()


def is_refusing(trail: QueuedTrail) -> bool:
    try:
        trail.require_open()
    except NotReady as refusal:
        assert refusal.retry_after
        return True
    return False


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_decision_is_stored_a_moment_later() -> None:
    chain = ListedChain()
    async with running(chain) as trail:
        trail.record(DECISION)
        assert chain.records == []
        await until(lambda: chain.records == [render_decision(DECISION)])


async def test_what_was_taken_before_the_end_is_stored() -> None:
    chain = ListedChain()
    async with running(chain) as trail:
        for _ in range(50):
            trail.record(DECISION)
    assert len(chain.records) == 50


async def test_a_decision_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "lightspeed_core.audit"):
        async with running(None) as trail:
            trail.record(DECISION)
    assert caplog.record_tuples == [
        ("lightspeed_core.audit", logging.INFO, render_decision(DECISION))
    ]


async def test_nothing_is_logged_where_that_is_switched_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        async with running(ListedChain()) as trail:
            trail.record(DECISION)
    assert caplog.records == []


async def test_decisions_are_held_while_they_cannot_be_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chain, lost = ListedChain(is_full=True), list[int]()
    async with running(chain, on_lost=lost.append) as trail:
        trail.record(DECISION)
        await until(lambda: chain.refusals > 2)
        trail.require_open()
        trail.record(DECISION)
        chain.is_full = False
        await until(lambda: len(chain.records) == 2)
    assert (chain.lost, lost) == (0, [])
    assert [record.message for record in caplog.records] == [
        "decisions were not stored, and are held cause=[Errno 28] No space left on device",
        "decisions are stored again held=2 lost=0",
    ]


async def test_what_is_too_much_to_hold_is_counted_and_told() -> None:
    chain, lost = ListedChain(is_full=True), list[int]()
    async with running(chain, on_lost=lost.append, most_waiting=3) as trail:
        for _ in range(5):
            trail.record(DECISION)
        await until(lambda: lost == [2])
        chain.is_full = False
        await until(lambda: len(chain.records) == 3)
    assert (chain.lost, lost) == (2, [2])


async def test_what_is_held_at_the_end_is_counted_as_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chain, lost = ListedChain(is_full=True), list[int]()
    async with running(chain, on_lost=lost.append) as trail:
        trail.record(DECISION)
    assert lost == [1]
    assert caplog.records[-1].message == "decisions were lost at the end count=1"


async def test_requests_are_refused_until_decisions_can_be_stored_where_they_must_be() -> None:
    chain = ListedChain(is_full=True)
    async with running(chain, must_store=True) as trail:
        trail.require_open()
        trail.record(DECISION)
        await until(lambda: is_refusing(trail))
        chain.is_full = False
        await until(lambda: not is_refusing(trail))
    assert chain.records == [render_decision(DECISION)]


def test_no_trail_takes_everything() -> None:
    trail = NoTrail()
    trail.record(DECISION)
    trail.require_open()
