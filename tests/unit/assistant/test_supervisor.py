import asyncio
from contextlib import aclosing

import pytest

from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.supervisor import StopReason
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.events import (
    TurnCompleted,
    TurnInterrupted,
    TurnStarted,
)
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import EngineUnavailable, Forbidden, NotFound, StoreUnavailable
from tests.support.assistants import (
    WAIT_SECONDS,
    Wired,
    all_events,
    caller,
    text_has_come,
    text_of,
    wired_assistant,
)
from tests.support.scripted_engine import ScriptedEngine, says

STOPPED = "\n\n*Response stopped by the user.*"


class FullDisk(MemoryConversationStore):
    """A store whose database takes no more."""

    async def finish(self, turn: Turn, last_batch: JournalBatch | None) -> None:
        raise StoreUnavailable(f"disk is full for {turn.turn_id} and {last_batch}")


async def started_and_held(engine: ScriptedEngine, worker: Wired) -> tuple[str, asyncio.Event]:
    gate = asyncio.Event()
    engine.will([ChatDelta(tokens=("some **bold",)), gate, *says(" end")])
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    await text_has_come(source)
    return source.turn_id, gate


async def test_an_interrupted_turn_keeps_its_text_with_its_markdown_closed(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    turn_id, _ = await started_and_held(engine, worker)
    source = await worker.assistant.resume(turn_id, caller())

    assert await worker.assistant.interrupt(turn_id, caller()) is Interruption.REQUESTED

    events = await all_events(source)
    last = events[-1]
    assert isinstance(last, TurnInterrupted)
    assert text_of(events) == "some **bold**" + STOPPED == last.turn.text
    (stored,) = await store.history(last.turn.conversation_id)
    assert (stored.state, stored.text) == (TurnState.INTERRUPTED, last.turn.text)
    assert engine.ended == 1


async def test_interrupting_an_ended_turn_changes_nothing(worker: Wired) -> None:
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    await outcome_of(source)

    wish = await worker.assistant.interrupt(source.turn_id, caller())

    assert wish is Interruption.ALREADY_COMPLETED


async def test_nobody_follows_or_stops_the_turn_of_another(
    engine: ScriptedEngine, worker: Wired
) -> None:
    turn_id, gate = await started_and_held(engine, worker)

    with pytest.raises(Forbidden):
        await worker.assistant.resume(turn_id, caller("bob"))
    with pytest.raises(Forbidden):
        await worker.assistant.interrupt(turn_id, caller("bob"))

    gate.set()


async def test_an_unknown_turn_is_not_found(worker: Wired) -> None:
    with pytest.raises(NotFound):
        await worker.assistant.resume("7f0c9f0e-0000-4000-8000-000000000000", caller())
    with pytest.raises(NotFound):
        await worker.assistant.interrupt("7f0c9f0e-0000-4000-8000-000000000000", caller())


async def test_a_turn_that_ended_too_long_ago_is_not_found(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", resume_window=-1)
    async with wired_assistant(engine, store, settings=settings) as worker:
        source = await worker.assistant.start(TurnRequest(query="one"), caller())
        await outcome_of(source)
        await worker.supervisor.drain()

        with pytest.raises(NotFound):
            await worker.assistant.resume(source.turn_id, caller())


async def test_a_turn_of_another_worker_that_has_ended_is_not_interrupted(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    await outcome_of(source)

    async with wired_assistant(engine, store.beside()) as other:
        wish = await other.assistant.interrupt(source.turn_id, caller())

    assert wish is Interruption.ALREADY_COMPLETED


async def test_a_reader_that_comes_late_reads_everything(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(says("a", "b", "c"))
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    first = await all_events(source)

    again = await all_events(await worker.assistant.resume(source.turn_id, caller()))

    assert isinstance(again[0], TurnStarted)
    assert text_of(again) == text_of(first) == "abc"
    assert isinstance(again[-1], TurnCompleted)
    assert again[-1].turn == (await outcome_of(source))


async def test_a_turn_goes_on_when_its_reader_goes_away(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    turn_id, gate = await started_and_held(engine, worker)
    worker.assistant.abandon(turn_id)
    gate.set()

    turn = await outcome_of(await worker.assistant.resume(turn_id, caller()))

    assert turn.text == "some **bold end"
    assert (await store.history(turn.conversation_id))[0].state is TurnState.COMPLETED


async def test_a_turn_stops_with_its_reader_where_that_is_set(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", cancel_on_disconnect=True)
    async with wired_assistant(engine, store, settings=settings) as worker:
        turn_id, _ = await started_and_held(engine, worker)
        source = await worker.assistant.resume(turn_id, caller())

        worker.assistant.abandon(turn_id)

        turn = await outcome_of(source)
    assert (turn.state, turn.text) == (TurnState.INTERRUPTED, "some **bold")


async def test_the_last_of_its_readers_stops_a_turn(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", cancel_on_disconnect=True)
    async with wired_assistant(engine, store, settings=settings) as worker:
        turn_id, _ = await started_and_held(engine, worker)
        source = await worker.assistant.resume(turn_id, caller())
        async with aclosing(source.events()) as staying:
            await anext(staying)
            worker.assistant.abandon(turn_id)
            live = worker.supervisor.find(turn_id)
            assert live is not None
            assert live.stop_reason is None

        worker.assistant.abandon(turn_id)

        assert (await outcome_of(source)).state is TurnState.INTERRUPTED


async def test_shutdown_waits_for_turns_and_takes_no_more(
    engine: ScriptedEngine, worker: Wired
) -> None:
    turn_id, gate = await started_and_held(engine, worker)
    source = await worker.assistant.resume(turn_id, caller())
    async with asyncio.TaskGroup() as group:
        drained = group.create_task(worker.supervisor.drain())
        await asyncio.sleep(0)
        with pytest.raises(EngineUnavailable):
            await worker.assistant.start(TurnRequest(query="two"), caller())
        assert not drained.done()
        gate.set()

    assert (await outcome_of(source)).state is TurnState.COMPLETED


async def test_shutdown_stops_and_stores_what_takes_too_long(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", drain=0.01)
    async with wired_assistant(engine, store, settings=settings) as worker:
        turn_id, _ = await started_and_held(engine, worker)
        source = await worker.assistant.resume(turn_id, caller())

        await worker.supervisor.drain()

        events = await all_events(source)
    assert isinstance(events[-1], TurnInterrupted)
    turn = await store.find_turn(turn_id)
    assert turn is not None
    assert (turn.state, turn.text) == (TurnState.INTERRUPTED, "some **bold")


@pytest.mark.requirement("query.recorded")
async def test_an_answer_that_cannot_be_recorded_goes_out_and_says_so(
    engine: ScriptedEngine,
) -> None:
    store = FullDisk()
    await store.open()
    async with wired_assistant(engine, store) as worker:
        source = await worker.assistant.start(TurnRequest(query="one"), caller())
        turn = await outcome_of(source)
    await store.close()

    assert turn.state is TurnState.COMPLETED
    assert not turn.recorded
    assert len(worker.failures) == 1


async def test_two_readers_of_one_turn_read_the_same(engine: ScriptedEngine, worker: Wired) -> None:
    turn_id, gate = await started_and_held(engine, worker)
    one = await worker.assistant.resume(turn_id, caller())
    other = await worker.assistant.resume(turn_id, caller())
    async with asyncio.TaskGroup() as group:
        first = group.create_task(all_events(one))
        second = group.create_task(all_events(other))
        gate.set()

    assert first.result() == second.result()


async def test_silence_yields_empty_batches(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", heartbeat=0.01)
    async with wired_assistant(engine, store, settings=settings) as worker:
        turn_id, gate = await started_and_held(engine, worker)
        source = await worker.assistant.resume(turn_id, caller())
        empty = 0
        async with asyncio.timeout(WAIT_SECONDS):
            async for batch in source.events():
                empty += not batch
                if empty == 2:
                    gate.set()

    assert empty >= 2


async def test_a_stop_after_the_end_does_not_contradict_it(worker: Wired) -> None:
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    events = await all_events(source)

    assert not worker.supervisor.stop(source.turn_id, StopReason.USER)
    assert isinstance(events[-1], TurnCompleted)
