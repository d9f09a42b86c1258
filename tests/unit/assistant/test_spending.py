"""What turns are charged, in every way in which they end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from lightspeed_core.assistant.context import AssistantSettings, CompactionSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import TurnCompleted, TurnFailed, TurnInterrupted
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import (
    EngineFailed,
    EngineUnavailable,
    PromptTooLong,
    QuotaExceeded,
    StoreUnavailable,
)
from tests.support.assistants import (
    WAIT_SECONDS,
    Wired,
    all_events,
    caller,
    text_has_come,
    wired_assistant,
)
from tests.support.databases import a_turn, answered
from tests.support.faulty_quotas import FaultyQuotas
from tests.support.faulty_store import FaultyStore
from tests.support.quotas import Counting, a_limiter
from tests.support.scripted_engine import (
    ACCEPTED,
    DEFAULT_MODEL,
    ScriptedEngine,
    Step,
    breaks,
    calls,
    refuses,
    says,
)
from tests.support.scripted_tools import ScriptedTools, a_call, as_models_say

pytestmark = pytest.mark.requirement("quota.charges")

QUOTA = 100_000
ASKING = TurnRequest(query="Say hello", generate_topic_summary=False)
COUNTED = says("Hel", "lo", usage=TokenUsage(input_tokens=30, output_tokens=12))
# The prompt "Be brief." and "Say hello" with what a template puts around it.
PROMPT = 16


@pytest.fixture
def counting() -> Counting:
    return Counting(a_limiter(initial=QUOTA))


@pytest.fixture
async def worker(
    engine: ScriptedEngine, store: MemoryConversationStore, counting: Counting
) -> AsyncIterator[Wired]:
    async with wired_assistant(engine, store, quotas=counting.of_routes) as wired:
        yield wired


async def charged(counting: Counting) -> int:
    """Return what ann spent; nothing may be reserved any more."""
    assert await counting.store.release(timedelta(days=-1)) == 0
    left = await counting.quotas.account(caller(), ModelRef.parse(DEFAULT_MODEL)).left()
    return QUOTA - left["UserQuotaLimiter"]


async def test_an_answer_is_charged_what_its_provider_counted(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.will(COUNTED)

    turn = await outcome_of(await worker.assistant.start(ASKING, caller()))

    assert turn.available_quotas == {"UserQuotaLimiter": QUOTA - 42}
    assert await charged(counting) == 42


async def test_where_the_provider_counts_nothing_an_estimate_is_charged(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.will([ChatDelta(tokens=("one ", "two")), ChatDelta(finish_reason="stop")])

    await outcome_of(await worker.assistant.start(ASKING, caller()))

    assert await charged(counting) == PROMPT + 2


async def test_an_answer_that_breaks_is_charged_what_there_was(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.will(breaks(EngineFailed("cut"), "one ", "two ", "three"))

    events = await all_events(await worker.assistant.start(ASKING, caller()))

    assert isinstance(events[-1], TurnFailed)
    assert await charged(counting) == PROMPT + 3


async def test_an_answer_that_is_stopped_is_charged_what_there_was(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.will([ChatDelta(tokens=("one ", "two")), asyncio.Event(), *says("three")])
    source = await worker.assistant.start(ASKING, caller())
    await text_has_come(source)

    await worker.assistant.interrupt(source.turn_id, caller())

    assert isinstance((await all_events(source))[-1], TurnInterrupted)
    assert await charged(counting) == PROMPT + 2


@pytest.mark.parametrize("error", [EngineUnavailable("gone"), PromptTooLong(DEFAULT_MODEL)])
async def test_a_question_that_no_model_took_costs_nothing(
    engine: ScriptedEngine,
    worker: Wired,
    counting: Counting,
    error: EngineUnavailable | PromptTooLong,
) -> None:
    engine.will(refuses(error))

    with pytest.raises(type(error)):
        await worker.assistant.start(ASKING, caller())

    assert await charged(counting) == 0


async def test_an_answer_of_a_shield_costs_nothing_and_tells_what_is_left(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.add_shield("guard", "hello")

    events = await all_events(await worker.assistant.start(ASKING, caller()))

    assert isinstance(last := events[-1], TurnCompleted)
    assert last.turn.refused_by == "guard"
    assert last.turn.available_quotas == {"UserQuotaLimiter": QUOTA}
    assert await charged(counting) == 0


async def test_an_answer_that_a_shield_cuts_is_charged_what_was_written(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.add_shield("output_guard", "bomb")
    engine.will([ACCEPTED, *(ChatDelta(tokens=(f"bomb {n}. ",)) for n in range(3)), *COUNTED])

    turn = await outcome_of(await worker.assistant.start(ASKING, caller()))

    assert turn.refused_by == "output_guard"
    assert await charged(counting) >= PROMPT + 3


async def test_a_retry_with_less_of_the_conversation_reserves_nothing_more(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore, counting: Counting
) -> None:
    before = await answered(store, a_turn(question="Why?"))
    engine.will(refuses(PromptTooLong(DEFAULT_MODEL)), COUNTED)
    asking = TurnRequest(query="And?", conversation_id=before.conversation_id)

    await outcome_of(await worker.assistant.start(asking, caller()))

    assert await charged(counting) == 42


async def test_a_summary_is_charged_with_the_turn_that_needed_it(
    engine: ScriptedEngine, store: MemoryConversationStore, counting: Counting
) -> None:
    compaction = CompactionSettings(
        token_floor=50, buffer_turns=1, context_windows={DEFAULT_MODEL: 400}
    )
    settings = AssistantSettings(system_prompt="Be brief.", compaction=compaction)
    first = await answered(store, a_turn(question="word " * 150))
    await answered(store, a_turn(first.conversation_id, question="word " * 150), is_new=False)
    engine.will(says("Words.", usage=TokenUsage(input_tokens=300, output_tokens=8)), COUNTED)
    asking = TurnRequest(query="And?", conversation_id=first.conversation_id)
    async with wired_assistant(
        engine, store, quotas=counting.of_routes, settings=settings
    ) as worker:
        await outcome_of(await worker.assistant.start(asking, caller()))

    assert len(engine.chats) == 2
    assert await charged(counting) == 350


async def test_a_topic_is_charged_and_written_without_a_model_where_nothing_is_left(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    asking = TurnRequest(query="Say hello to everybody")
    for quota, topic in ((100, "Greeting"), (42, "Say hello to everybody")):
        counting = Counting(a_limiter(initial=quota))
        engine.will(COUNTED)
        async with wired_assistant(engine, store, quotas=counting.of_routes) as worker:
            asked = len(engine.chats) + 1
            if quota > 42:
                engine.will(says("Greeting", usage=TokenUsage(input_tokens=20, output_tokens=1)))
            turn = await outcome_of(await worker.assistant.start(asking, caller()))
        conversation = await store.find(turn.conversation_id)
        assert conversation is not None
        assert conversation.topic_summary == topic
        account = counting.quotas.account(caller(), ModelRef.parse(DEFAULT_MODEL))
        assert await account.left() == {"UserQuotaLimiter": 37 if quota > 42 else 0}
        assert len(engine.chats) == asked + (quota > 42)


async def test_a_spent_quota_is_refused_before_the_model_and_before_the_store(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    counting = Counting(a_limiter(initial=42))
    engine.will(COUNTED)
    async with wired_assistant(engine, store, quotas=counting.of_routes) as worker:
        turn = await outcome_of(await worker.assistant.start(ASKING, caller()))
        again = TurnRequest(query="And?", conversation_id=turn.conversation_id)
        for ask in (worker.assistant.start, worker.assistant.infer):
            with pytest.raises(QuotaExceeded, match="User ann has no available tokens"):
                await ask(again, caller())
        await worker.assistant.start(ASKING, caller("ben"))

    assert len(await store.history(turn.conversation_id)) == 1
    assert [request.messages[-1].content for request in engine.chats] == ["Say hello"] * 2


async def test_an_answer_without_a_conversation_is_charged_however_it_ends(
    engine: ScriptedEngine, worker: Wired, counting: Counting
) -> None:
    engine.will(COUNTED, breaks(EngineFailed("cut"), "one ", "two"))
    turn = await worker.assistant.infer(ASKING, caller())
    assert turn.text == "Hello"
    assert await charged(counting) == 42

    with pytest.raises(EngineFailed):
        await worker.assistant.infer(ASKING, caller())
    assert await charged(counting) == 42 + PROMPT + 2

    gate: list[Step] = [ChatDelta(tokens=("one",)), asyncio.Event()]
    engine.will(gate)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(worker.assistant.infer(ASKING, caller()))
        async with asyncio.timeout(WAIT_SECONDS):
            while len(engine.chats) < 3:
                await asyncio.sleep(0)
        asking.cancel()
    assert await charged(counting) in {42 + 2 * PROMPT + 2, 42 + 2 * PROMPT + 3}


@pytest.mark.requirement("quota.database-away")
async def test_a_database_of_quotas_that_is_away_refuses_and_never_withholds(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    quotas = FaultyQuotas(away=1)
    counting = Counting(a_limiter(initial=QUOTA), store=quotas)
    gate = asyncio.Event()
    engine.will([ChatDelta(tokens=("one",)), gate, *COUNTED])
    async with wired_assistant(engine, store, quotas=counting.of_routes) as worker:
        with pytest.raises(StoreUnavailable):
            await worker.assistant.start(ASKING, caller())
        assert not engine.chats

        source = await worker.assistant.start(ASKING, caller())
        await text_has_come(source)
        quotas.away = 2
        gate.set()
        turn = await outcome_of(source)

    assert turn.text == "oneHello"
    assert turn.recorded
    assert turn.available_quotas == {}
    await counting.ledger.keep_up()
    assert await charged(counting) == 42


async def test_a_turn_that_could_not_be_recorded_is_charged_all_the_same(
    engine: ScriptedEngine, counting: Counting
) -> None:
    store = FaultyStore()
    store.fail("finish", StoreUnavailable())
    engine.will(COUNTED)
    async with wired_assistant(engine, store, quotas=counting.of_routes) as worker:
        turn = await outcome_of(await worker.assistant.start(ASKING, caller()))

    assert not turn.recorded
    assert await charged(counting) == 42


@pytest.mark.requirement("quota.left")
async def test_what_is_left_is_told_to_who_reads_a_turn_again(
    engine: ScriptedEngine, store: MemoryConversationStore, counting: Counting, worker: Wired
) -> None:
    engine.will(COUNTED)
    turn = await outcome_of(await worker.assistant.start(ASKING, caller()))
    async with wired_assistant(engine, store.beside(), quotas=counting.of_routes) as other:
        events = await all_events(await other.assistant.resume(turn.turn_id, caller()))

    assert isinstance(last := events[-1], TurnCompleted)
    assert last.turn.available_quotas == {"UserQuotaLimiter": QUOTA - 42}


async def test_a_turn_pays_before_each_further_call_and_reserves_for_it_alone(
    engine: ScriptedEngine, store: MemoryConversationStore, counting: Counting
) -> None:
    tools = ScriptedTools()
    engine.will(calls(*as_models_say(a_call(1))), calls(*as_models_say(a_call(2))), COUNTED)
    async with wired_assistant(engine, store, quotas=counting.of_routes, tools=tools) as wired:
        turn = await outcome_of(await wired.assistant.start(ASKING, caller()))

    assert turn.incomplete_reason is None
    assert await charged(counting) == 10 + 10 + 42
    assert turn.available_quotas == {"UserQuotaLimiter": QUOTA - 62}


async def test_a_quota_that_runs_out_in_mid_turn_leaves_what_there_is(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    counting, tools = Counting(a_limiter(initial=10)), ScriptedTools()
    engine.will(calls(*as_models_say(a_call(1)), text="Let me see."), says("never said"))
    async with wired_assistant(engine, store, quotas=counting.of_routes, tools=tools) as wired:
        turn = await outcome_of(await wired.assistant.start(ASKING, caller()))

    assert (turn.text, turn.incomplete_reason) == ("Let me see.", "quota")
    assert [warning.code for warning in turn.warnings] == ["incomplete"]
    assert [result.status for result in turn.tool_results] == ["success"]
    assert turn.available_quotas == {"UserQuotaLimiter": 0}
    assert len(engine.chats) == 1
