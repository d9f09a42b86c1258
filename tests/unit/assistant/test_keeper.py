import asyncio
from datetime import UTC, datetime, timedelta

from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import TurnInterrupted
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.types import ChatDelta
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

    assert (await starting.result().outcome()).text == "late"


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
