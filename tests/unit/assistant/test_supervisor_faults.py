"""Turns whose parts fail, hang or are stopped in the wrong moment; every wait is bounded."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.supervisor import StopReason
from lightspeed_core.domain.events import TurnFailed, TurnInterrupted
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import (
    EngineUnavailable,
    InternalError,
    LightspeedError,
    StoreUnavailable,
)
from tests.support.assistants import (
    WAIT_SECONDS,
    Wired,
    all_events,
    caller,
    text_of,
    wired_assistant,
)
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_engine import ScriptedEngine, breaks, refuses, says

HASTY = AssistantSettings(system_prompt="", start_within=0.01, drain=WAIT_SECONDS)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
async def worker(engine: ScriptedEngine, store: FaultyStore) -> AsyncIterator[Wired]:
    async with wired_assistant(engine, store) as wired:
        yield wired


def ask(query: str, conversation_id: str | None = None) -> TurnRequest:
    return TurnRequest(query=query, conversation_id=conversation_id, generate_topic_summary=False)


async def answer(worker: Wired, request: TurnRequest) -> Turn:
    async with asyncio.timeout(WAIT_SECONDS):
        return await outcome_of(await worker.assistant.start(request, caller()))


async def refusal(worker: Wired, request: TurnRequest) -> LightspeedError:
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(LightspeedError) as caught:
            await worker.assistant.start(request, caller())
    return caught.value


async def nothing_runs(worker: Wired) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while worker.supervisor.leased_turns:
            await asyncio.sleep(0)


async def a_conversation(worker: Wired) -> str:
    turn = await answer(worker, ask("first"))
    await nothing_runs(worker)
    return turn.conversation_id


@pytest.mark.parametrize("call", ["find", "begin", "wait_for_predecessors", "history"])
@pytest.mark.parametrize("error", [StoreUnavailable(), RuntimeError("a bug")], ids=["down", "bug"])
async def test_a_store_that_fails_before_the_start_refuses_the_turn_and_frees_the_conversation(
    worker: Wired, store: FaultyStore, call: str, error: Exception
) -> None:
    conversation_id = await a_conversation(worker)
    store.fail(call, error)
    with pytest.raises((StoreUnavailable, InternalError, RuntimeError)):
        await answer(worker, ask("second", conversation_id))
    store.heal()

    assert (await answer(worker, ask("third", conversation_id))).state is TurnState.COMPLETED
    await nothing_runs(worker)


@pytest.mark.parametrize(
    "error", [StoreUnavailable(), TypeError("not a JSON value")], ids=["down", "bug"]
)
async def test_whatever_keeps_a_turn_from_being_recorded_does_not_withhold_its_answer(
    engine: ScriptedEngine, worker: Wired, store: FaultyStore, error: Exception
) -> None:
    engine.will(says("an answer"))
    store.fail("finish", error)

    turn = await answer(worker, ask("first"))

    assert (turn.text, turn.recorded) == ("an answer", False)
    assert len(worker.failures) == 1
    store.heal()
    assert (await answer(worker, ask("another"))).recorded


@pytest.mark.parametrize("reason", list(StopReason))
async def test_a_refusal_that_is_being_recorded_is_not_stopped_any_more(
    engine: ScriptedEngine, worker: Wired, store: FaultyStore, reason: StopReason
) -> None:
    conversation_id = await a_conversation(worker)
    engine.will(refuses(EngineUnavailable("gone")))
    gate = store.hold("finish")
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(refusal(worker, ask("second", conversation_id)))
        await store.reached.wait()
        (turn_id,) = worker.supervisor.leased_turns
        assert not worker.supervisor.stop(turn_id, reason)
        gate.set()

    assert isinstance(asked.result(), EngineUnavailable)


async def test_a_turn_does_not_start_while_its_refusal_is_recorded(
    engine: ScriptedEngine, store: FaultyStore
) -> None:
    async with wired_assistant(engine, store, settings=HASTY) as worker:
        conversation_id = await a_conversation(worker)
        engine.will(refuses(EngineUnavailable("gone")))
        gate = store.hold("finish")
        asyncio.get_running_loop().call_later(10 * HASTY.start_within, gate.set)

        error = await refusal(worker, ask("second", conversation_id))

    assert error.cause == "gone"


async def test_a_turn_that_is_stopped_before_its_first_step_frees_the_conversation(
    engine: ScriptedEngine, worker: Wired
) -> None:
    conversation_id = await a_conversation(worker)
    engine.chats.clear()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(answer(worker, ask("second", conversation_id)))
        async with asyncio.timeout(WAIT_SECONDS):
            while not worker.supervisor.leased_turns:
                await asyncio.sleep(0)
        (turn_id,) = worker.supervisor.leased_turns
        assert worker.supervisor.stop(turn_id, StopReason.SHUTDOWN)

    assert asked.result().state is TurnState.INTERRUPTED
    assert engine.chats == []
    assert (await answer(worker, ask("third", conversation_id))).state is TurnState.COMPLETED


async def test_what_follows_an_answer_cannot_spoil_it(
    engine: ScriptedEngine, store: FaultyStore
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    async with wired_assistant(engine, store, on_answered=fail) as worker:
        source = await worker.assistant.start(ask("first"), caller())
        turn = await outcome_of(source)

        assert turn.state is TurnState.COMPLETED
        again = await worker.assistant.resume(source.turn_id, caller())
        assert not any(isinstance(event, TurnFailed) for event in await all_events(again))


@pytest.mark.parametrize("bug", [RuntimeError("a bug"), ExceptionGroup("two", [ValueError("x")])])
async def test_a_bug_before_the_start_is_an_internal_error_that_names_its_cause(
    engine: ScriptedEngine, worker: Wired, bug: Exception
) -> None:
    engine.will(refuses(bug))

    error = await refusal(worker, ask("first"))

    assert isinstance(error, InternalError)
    assert error.__cause__ is bug


async def test_a_bug_after_the_start_is_logged_once_with_its_traceback(
    engine: ScriptedEngine, worker: Wired, caplog: pytest.LogCaptureFixture
) -> None:
    engine.will(breaks(RuntimeError("a bug"), "x"))
    with caplog.at_level(logging.WARNING):
        source = await worker.assistant.start(ask("first"), caller())
        await all_events(source)

    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "a bug"


async def test_text_that_no_file_can_hold_is_replaced_and_spoils_nothing(
    engine: ScriptedEngine, worker: Wired, store: FaultyStore
) -> None:
    engine.will(says("half of \ud83d", "\ude00", "."))
    source = await worker.assistant.start(ask("first"), caller())

    turn = await outcome_of(source)

    assert turn.state is TurnState.COMPLETED
    assert turn.text == text_of(await all_events(source)) == "half of ??."
    assert await store.journal(source.turn_id)


async def test_a_model_that_ends_without_a_word_completes_a_stored_turn(
    engine: ScriptedEngine, worker: Wired, store: FaultyStore
) -> None:
    engine.will([ChatDelta()])

    turn = await answer(worker, ask("first"))

    assert await store.history(turn.conversation_id) == [turn]


@pytest.mark.parametrize("point", ["wait_for_predecessors", "history"])
async def test_a_turn_that_is_stopped_while_it_waits_is_interrupted_and_frees_the_conversation(
    worker: Wired, store: FaultyStore, point: str
) -> None:
    conversation_id = await a_conversation(worker)
    store.hold(point)
    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        asked = group.create_task(answer(worker, ask("second", conversation_id)))
        await store.reached.wait()
        (turn_id,) = worker.supervisor.leased_turns
        worker.supervisor.stop(turn_id, StopReason.LEASE_LOST)
    store.heal()

    assert asked.result().state is TurnState.INTERRUPTED
    assert (await answer(worker, ask("third", conversation_id))).state is TurnState.COMPLETED


@pytest.mark.parametrize("call", ["find", "begin"])
async def test_a_client_that_is_cut_off_before_its_turn_runs_leaves_nothing(
    worker: Wired, store: FaultyStore, call: str
) -> None:
    conversation_id = await a_conversation(worker)
    store.hold(call)
    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        asked = group.create_task(worker.assistant.start(ask("second", conversation_id), caller()))
        await store.reached.wait()
        asked.cancel()
    store.heal()

    assert (await answer(worker, ask("third", conversation_id))).state is TurnState.COMPLETED
    await nothing_runs(worker)


async def test_a_client_that_is_cut_off_before_the_first_event_loses_nothing(
    engine: ScriptedEngine, store: FaultyStore
) -> None:
    gate = asyncio.Event()
    engine.will([gate, *says("late")])
    async with (
        asyncio.timeout(WAIT_SECONDS),
        wired_assistant(engine, store, settings=HASTY) as worker,
    ):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(worker.assistant.start(ask("first"), caller()))
            while not engine.chats:
                await asyncio.sleep(0)
            asked.cancel()
        while not worker.supervisor.leased_turns:
            await asyncio.sleep(0)
        (turn_id,) = worker.supervisor.leased_turns
        source = await worker.assistant.resume(turn_id, caller())
        gate.set()
        turn = await outcome_of(source)

    assert turn.text == "late"
    assert await store.history(turn.conversation_id) == [turn]


async def test_a_turn_whose_task_is_cancelled_by_nobody_here_ends_its_readers(
    engine: ScriptedEngine, worker: Wired, store: FaultyStore
) -> None:
    engine.will(says("a"))
    store.hold("finish")
    source = await worker.assistant.start(ask("first"), caller())
    live = worker.supervisor.find(source.turn_id)
    assert live is not None
    assert live.task is not None
    await asyncio.wait_for(store.reached.wait(), WAIT_SECONDS)

    live.task.cancel()

    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(InternalError):
            await outcome_of(source)
        with pytest.raises(InternalError):
            await all_events(source)


async def test_both_of_two_wishes_to_stop_are_served_by_one_end(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will([ChatDelta(tokens=("a",)), asyncio.Event()])
    source = await worker.assistant.start(ask("first"), caller())

    first, second = (worker.supervisor.stop(source.turn_id, StopReason.USER) for _ in range(2))

    assert (first, second) == (True, False)
    events = await all_events(source)
    assert sum(isinstance(event, TurnInterrupted) for event in events) == 1


async def test_a_shield_that_refuses_ends_those_beside_it(
    engine: ScriptedEngine, worker: Wired
) -> None:
    waiting = engine.add_shield("slow")
    waiting.gate = asyncio.Event()
    engine.add_shield("broken").error = EngineUnavailable("the guard is gone")

    turn = await outcome_of(await worker.assistant.start(ask("first"), caller()))

    assert turn.refused_by == "broken"
    assert [task.get_coro() for task in asyncio.all_tasks() if "run_shield" in repr(task)] == []
