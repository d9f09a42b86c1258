"""Events of a live turn and who follows them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import replace

import pytest

from lightspeed_core.assistant.live import EventLog, outcome_of, terminal_event
from lightspeed_core.domain.events import TextDelta, TurnEvent, TurnFailed
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import Conflict, InternalError
from tests.support.assistants import WAIT_SECONDS, all_events
from tests.support.databases import a_turn


class Endless:
    """A source that ends without a word of how."""

    turn_id = "t"

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        yield (TextDelta(("a",)),)
        yield ()


async def test_a_source_without_an_end_is_a_fault_of_ours() -> None:
    with pytest.raises(InternalError):
        await outcome_of(Endless())


async def test_a_refusal_reaches_who_waits_for_the_start_and_who_follows() -> None:
    log = EventLog("t", heartbeat=60)
    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        starting = group.create_task(refused(log.first_event()))
        following = group.create_task(refused(all_events(log)))
        await asyncio.sleep(0)
        log.refuse(Conflict("Conversation is busy", "An earlier turn runs."))

    assert starting.result() == following.result() == "An earlier turn runs."
    assert log.has_ended


async def refused(waiting: Awaitable[object]) -> str:
    with pytest.raises(Conflict) as caught:
        await waiting
    return caught.value.cause


async def test_readers_are_counted_while_they_follow() -> None:
    log = EventLog("t", heartbeat=60)
    log.publish(TextDelta(("a",)))
    async with aclosing(log.events()) as one, aclosing(log.events()) as other:
        await anext(one)
        await anext(other)
        await one.aclose()
        assert log.has_readers
    assert not log.has_readers


async def test_a_failed_turn_of_which_nothing_is_known_is_a_fault_of_ours() -> None:
    event = terminal_event(replace(a_turn(), state=TurnState.FAILED))

    assert isinstance(event, TurnFailed)
    assert event.error.code == "internal_error"
