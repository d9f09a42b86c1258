import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lightspeed_core.assistant.keeper import repeat
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.events import TurnInterrupted
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import StoreUnavailable
from tests.support.assistants import (
    WAIT_SECONDS,
    Wired,
    all_events,
    caller,
    text_has_come,
    text_of,
    wired_assistant,
)
from tests.support.databases import a_turn
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_engine import ScriptedEngine, says


async def test_a_wish_to_stop_reaches_the_worker_that_runs_the_turn(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will([ChatDelta(tokens=("a",)), asyncio.Event()])
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    async with wired_assistant(ScriptedEngine(), store.beside()) as other:
        await other.assistant.interrupt(source.turn_id, caller())

    await worker.keeper.renew()

    assert isinstance((await all_events(source))[-1], TurnInterrupted)


async def test_a_first_turn_that_the_model_has_not_accepted_yet_is_left_alone(
    engine: ScriptedEngine, worker: Wired
) -> None:
    gate = asyncio.Event()
    engine.will([gate, *says("late")])
    async with asyncio.TaskGroup() as group:
        starting = group.create_task(worker.assistant.start(TurnRequest(query="one"), caller()))
        async with asyncio.timeout(WAIT_SECONDS):
            while not engine.chats:
                await asyncio.sleep(0)
        await worker.keeper.renew()
        gate.set()

    assert (await outcome_of(starting.result())).text == "late"


async def test_another_worker_follows_a_running_turn_through_its_journal(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    gate = asyncio.Event()
    engine.will([ChatDelta(tokens=("a", "b")), gate, *says("c")])
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    async with (
        wired_assistant(ScriptedEngine(), store.beside()) as other,
        asyncio.TaskGroup() as group,
    ):
        followed = await other.assistant.resume(source.turn_id, caller())
        reading = group.create_task(all_events(followed))
        gate.set()

    own = await all_events(source)
    assert text_of(reading.result()) == "abc"
    assert reading.result()[-1] == own[-1]


async def test_the_turn_of_a_dead_worker_is_settled_from_its_journal() -> None:
    now = datetime.now(UTC)
    of_the_dead = MemoryConversationStore(clock=lambda: now)
    store = of_the_dead.beside()
    dead = ScriptedEngine().will([ChatDelta(tokens=("half ", "an")), asyncio.Event()])
    async with wired_assistant(dead, of_the_dead) as lost:
        source = await lost.assistant.start(TurnRequest(query="one"), caller())
        live = lost.supervisor.find(source.turn_id)
        assert live is not None
        await text_has_come(live.log)
        live.journal.flush()
        now += timedelta(minutes=1)
        async with wired_assistant(ScriptedEngine(), store) as other:
            await other.keeper.recover()
            turn = await store.find_turn(source.turn_id)
            again = await all_events(await other.assistant.resume(source.turn_id, caller()))
        await lost.keeper.renew()

    assert turn is not None
    assert (turn.state, turn.text) == (TurnState.INTERRUPTED, "half an")
    assert text_of(again) == "half an"
    assert isinstance(again[-1], TurnInterrupted)


@pytest.mark.parametrize("error", [StoreUnavailable(), RuntimeError("a bug")], ids=["down", "bug"])
async def test_periodic_work_goes_on_whatever_happens_in_it(error: Exception) -> None:
    done = asyncio.Event()
    outcomes = [error, error, None]

    async def work() -> None:
        if outcome := outcomes.pop(0):
            raise outcome
        done.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        task = group.create_task(repeat(work, 0))
        await done.wait()
        task.cancel()


async def test_a_turn_whose_journal_cannot_be_read_is_settled_with_what_stands_before() -> None:
    now = datetime.now(UTC)
    of_the_dead = MemoryConversationStore(clock=lambda: now)
    turn = a_turn()
    of_the_dead.begin_new(turn)
    for index, payload in enumerate([b'[["TextDelta", ["half"]]]', b"[[", b"[]"]):
        of_the_dead.append_journal(JournalBatch(turn_id=turn.turn_id, index=index, payload=payload))
    now += timedelta(minutes=1)
    store = of_the_dead.beside()
    async with wired_assistant(ScriptedEngine(), store) as worker:
        await worker.keeper.recover()

    settled = await store.find_turn(turn.turn_id)
    assert settled is not None
    assert (settled.state, settled.text) == (TurnState.INTERRUPTED, "half")


@pytest.mark.parametrize("call", ["renew_leases", "claim_expired", "purge_journal"])
async def test_a_worker_keeps_its_turns_recovers_those_of_others_and_drops_journals(
    engine: ScriptedEngine, call: str
) -> None:
    store = FaultyStore()
    gate = asyncio.Event()
    engine.will([ChatDelta(tokens=("a",)), gate, *says("b")])
    async with wired_assistant(engine, store) as worker, asyncio.timeout(WAIT_SECONDS):
        await worker.assistant.start(TurnRequest(query="one"), caller())
        store.hold(call)
        async with asyncio.TaskGroup() as group:
            kept = group.create_task(worker.keeper.run())
            await store.reached.wait()
            kept.cancel()
        gate.set()
