"""Room for turns that wait for their user, for those who read them, and for their going on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import Overloaded
from tests.support.assistants import WAIT_SECONDS, Wired, all_events, caller, wired_assistant
from tests.support.databases import eventually
from tests.support.scripted_engine import ScriptedEngine, calls, says
from tests.support.scripted_tools import HEAT, ScriptedTools, a_call, as_models_say

ASKING = TurnRequest(query="Heat room 1", generate_topic_summary=False)
HEAT_ROOM = calls(*as_models_say(a_call(1, HEAT)))
NARROW = AssistantSettings(
    system_prompt="Be brief.", drain=WAIT_SECONDS, heartbeat=0.05, max_streams=1
)


@asynccontextmanager
async def room_of(
    engine: ScriptedEngine, settings: AssistantSettings
) -> AsyncGenerator[tuple[Wired, MemoryConversationStore]]:
    store = MemoryConversationStore()
    async with wired_assistant(engine, store, settings=settings, tools=ScriptedTools()) as wired:
        yield wired, store


async def room_is_free(wired: Wired) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while wired.assistant.admissions.turns.taken:
            await asyncio.sleep(0.01)


@pytest.mark.requirement("approvals.room")
async def test_what_nobody_answered_in_time_goes_on_when_there_is_room(
    engine: ScriptedEngine,
) -> None:
    gate = asyncio.Event()
    engine.will(HEAT_ROOM, [*says("Busy.")[:1], gate], says("Then not."))
    async with room_of(engine, replace(NARROW, approval_seconds=0.01)) as (wired, store):
        turn = await outcome_of(await wired.assistant.start(ASKING, caller()))
        await eventually(store.approvals.overdue)
        await room_is_free(wired)
        busy = await wired.assistant.start(ASKING, caller())

        await wired.keeper.expire()

        waiting = await store.find_turn(turn.turn_id)
        assert waiting is not None
        assert waiting.state is TurnState.AWAITING_APPROVAL
        assert wired.assistant.admissions.turns.taken == 1
        assert b"ls_turned_away_total{" not in wired.metrics.render()
        gate.set()
        await outcome_of(busy)
        await room_is_free(wired)
        await wired.keeper.expire()
        assert wired.assistant.admissions.turns.taken == 1
        again = await wired.assistant.resume(turn.turn_id, caller())
        assert (await outcome_of(again)).text == "Then not."
        await room_is_free(wired)


@pytest.mark.requirement("approvals.room")
async def test_whoever_stays_at_a_turn_that_waits_is_counted_as_a_reader(
    engine: ScriptedEngine,
) -> None:
    engine.will(HEAT_ROOM, HEAT_ROOM)
    async with room_of(engine, NARROW) as (wired, _), asyncio.TaskGroup() as group:
        readers = wired.assistant.admissions.readers
        first = await wired.assistant.start(ASKING, caller())
        reading = group.create_task(all_events(first))
        async with asyncio.timeout(WAIT_SECONDS):
            while not readers.taken:
                await asyncio.sleep(0.01)
        await room_is_free(wired)
        second = await wired.assistant.start(ASKING, caller())

        with pytest.raises(Overloaded):
            await all_events(second)

        # Without a place to stay the question can be answered all the same.
        for approval in await wired.assistant.approvals(caller()):
            await wired.assistant.interrupt(approval.turn_id, caller())
        await reading
        assert readers.taken == 0
