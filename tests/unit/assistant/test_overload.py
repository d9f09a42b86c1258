"""More is asked than there is room for: some are answered, the others told when to come back."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import EventSource, outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import (
    EngineUnavailable,
    LightspeedError,
    NotFound,
    Overloaded,
    QuotaExceeded,
)
from tests.support.assistants import (
    WAIT_SECONDS,
    Wired,
    all_events,
    caller,
    text_has_come,
    wired_assistant,
)
from tests.support.scripted_engine import ScriptedEngine, refuses, says

ROOM = 4
OF_USER = 3
SETTINGS = AssistantSettings(
    system_prompt="Be brief.", drain=WAIT_SECONDS, max_streams=ROOM, max_streams_per_user=OF_USER
)
ASKED = TurnRequest(query="one", generate_topic_summary=False)


@pytest.fixture
async def worker(engine: ScriptedEngine, store: MemoryConversationStore) -> AsyncGenerator[Wired]:
    async with wired_assistant(engine, store, settings=SETTINGS) as wired:
        yield wired


def hold(engine: ScriptedEngine, gate: asyncio.Event, answers: int) -> None:
    for _ in range(answers):
        engine.will([ChatDelta(tokens=("some",)), gate, *says(" end")])


async def places_are_free(worker: Wired) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while worker.assistant.admissions.turns.taken:
            await asyncio.sleep(0)


async def test_ten_times_the_room_is_asked_for(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    gate = asyncio.Event()
    hold(engine, gate, ROOM)
    before = len(asyncio.all_tasks())
    users = [caller(f"u{number % 20}") for number in range(10 * ROOM)]
    outcomes = await asyncio.gather(
        *(worker.assistant.start(ASKED, user) for user in users), return_exceptions=True
    )
    running = [each for each in outcomes if not isinstance(each, BaseException)]
    refused = [each for each in outcomes if isinstance(each, LightspeedError)]
    assert len(running) == ROOM
    assert len(refused) == 9 * ROOM
    assert all((each.retry_after or 0) > 0 for each in refused)
    assert {type(each) for each in refused} == {Overloaded}
    assert len(asyncio.all_tasks()) <= before + ROOM

    gate.set()
    turns = [await outcome_of(source) for source in running]
    assert {turn.state for turn in turns} == {TurnState.COMPLETED}
    await places_are_free(worker)
    assert len(await store.list(None)) == ROOM
    engine.will(says("fine"))
    again = await outcome_of(await worker.assistant.start(ASKED, caller("late")))
    assert again.text == "fine"


async def test_one_user_does_not_take_the_room_of_others(
    engine: ScriptedEngine, worker: Wired
) -> None:
    gate = asyncio.Event()
    hold(engine, gate, ROOM)
    for _ in range(OF_USER):
        await worker.assistant.start(ASKED, caller("ann"))
    with pytest.raises(QuotaExceeded, match="ann"):
        await worker.assistant.start(ASKED, caller("ann"))
    with pytest.raises(QuotaExceeded):
        await worker.assistant.infer(ASKED, caller("ann"))
    await worker.assistant.start(ASKED, caller("bob"))
    with pytest.raises(Overloaded):
        await worker.assistant.infer(ASKED, caller("cyd"))
    gate.set()
    await places_are_free(worker)


async def test_a_refused_question_frees_its_place(engine: ScriptedEngine, worker: Wired) -> None:
    unknown = TurnRequest(query="x", conversation_id="123e4567-e89b-42d3-a456-426614174000")
    for _ in range(2 * ROOM):
        with pytest.raises(NotFound):
            await worker.assistant.start(unknown, caller())
        engine.will(refuses(EngineUnavailable("gone")))
        with pytest.raises(EngineUnavailable):
            await worker.assistant.start(ASKED, caller())
        engine.will(refuses(EngineUnavailable("gone")))
        with pytest.raises(EngineUnavailable):
            await worker.assistant.infer(ASKED, caller())
        await places_are_free(worker)


async def test_a_turn_keeps_its_place_when_nobody_waits_for_it_any_more(
    engine: ScriptedEngine, worker: Wired
) -> None:
    gate = asyncio.Event()
    engine.will([gate, *says("late")])
    asking = asyncio.ensure_future(worker.assistant.start(ASKED, caller()))
    async with asyncio.timeout(WAIT_SECONDS):
        while not engine.chats:
            await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert worker.assistant.admissions.turns.taken == 1
    gate.set()
    await places_are_free(worker)


async def test_an_interrupted_turn_and_a_cancelled_inference_free_their_places(
    engine: ScriptedEngine, worker: Wired
) -> None:
    gate = asyncio.Event()
    hold(engine, gate, 2)
    source = await worker.assistant.start(ASKED, caller())
    await text_has_come(source)
    inferring = asyncio.ensure_future(worker.assistant.infer(ASKED, caller()))
    async with asyncio.timeout(WAIT_SECONDS):
        while worker.assistant.admissions.turns.taken < 2:
            await asyncio.sleep(0)
    inferring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await inferring
    assert worker.assistant.admissions.turns.taken == 1
    stopped = await worker.assistant.interrupt(source.turn_id, caller())
    assert stopped is Interruption.REQUESTED
    await all_events(source)
    await places_are_free(worker)


async def test_readers_who_come_back_are_counted_apart_while_they_read(
    engine: ScriptedEngine, worker: Wired
) -> None:
    gate = asyncio.Event()
    hold(engine, gate, OF_USER)
    ids = [(await worker.assistant.start(ASKED, caller())).turn_id for _ in range(OF_USER)]
    readers = [
        asyncio.ensure_future(all_events(await worker.assistant.resume(turn_id, caller())))
        for turn_id in ids
    ]
    async with asyncio.timeout(WAIT_SECONDS):
        while worker.assistant.admissions.readers.taken < OF_USER:
            await asyncio.sleep(0)
    one_more: EventSource = await worker.assistant.resume(ids[0], caller())
    with pytest.raises(QuotaExceeded):
        await all_events(one_more)
    readers[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await readers[0]
    assert worker.assistant.admissions.readers.taken == OF_USER - 1
    gate.set()
    for reader in readers[1:]:
        assert await reader
    assert worker.assistant.admissions.readers.taken == 0
