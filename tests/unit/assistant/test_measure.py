"""What a turn with its model adds to the metrics."""

import asyncio
from dataclasses import replace

import pytest

from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.errors import (
    EngineFailed,
    EngineUnavailable,
    LightspeedError,
    NotFound,
    PromptTooLong,
)
from tests.support.assistants import Wired, caller, text_has_come
from tests.support.scripted_engine import (
    ACCEPTED,
    ScriptedEngine,
    breaks,
    refuses,
    says,
    store_info,
)

CALL = '{endpoint="/v1/streaming_query",model="model",provider="scripted"}'
TIMED = '{endpoint="/v1/streaming_query",model="model",provider="scripted",result="%s"}'
ONE = TurnRequest(query="one", endpoint="/v1/streaming_query", generate_topic_summary=False)
FIRST_TEXT = f"ls_time_to_first_token_seconds_count{CALL}"
OUTCOME = 'ls_turn_duration_seconds_count{endpoint="/v1/streaming_query",outcome="%s"}'
RETRIEVAL = 'ls_retrieval_duration_seconds_count{result="%s"}'
STORE = replace(ONE, vector_store_ids=("docs",))


def value_of(worker: Wired, sample: str) -> float:
    lines = [line.rsplit(" ", 1) for line in worker.metrics.render().decode().splitlines()]
    return next((float(value) for name, value in lines if name == sample), 0.0)


def calls_of(worker: Wired) -> tuple[float, float, float, float]:
    """Return turns that called, failures, timed successes and timed failures."""
    timed = "ls_llm_inference_duration_seconds_count"
    return (
        value_of(worker, f"ls_llm_calls_total{CALL}"),
        value_of(worker, f"ls_llm_calls_failures_total{CALL}"),
        value_of(worker, timed + TIMED % "success"),
        value_of(worker, timed + TIMED % "failure"),
    )


async def test_an_answer_counts_its_call_and_its_tokens(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(says("Hi", usage=TokenUsage(input_tokens=30, output_tokens=2)))
    await outcome_of(await worker.assistant.start(ONE, caller()))

    assert calls_of(worker) == (1, 0, 1, 0)
    assert value_of(worker, f"ls_llm_token_sent_total{CALL}") == 30
    assert value_of(worker, f"ls_llm_token_received_total{CALL}") == 2


@pytest.mark.parametrize("error", [EngineUnavailable("gone"), EngineFailed("cut")])
async def test_a_model_that_refuses_is_a_failure(
    engine: ScriptedEngine, worker: Wired, error: Exception
) -> None:
    engine.will(refuses(error))
    with pytest.raises(LightspeedError):
        await worker.assistant.start(ONE, caller())

    assert calls_of(worker) == (1, 1, 0, 1)


async def test_an_answer_that_breaks_off_is_a_failure(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(breaks(EngineFailed("cut"), "Hel"))
    with pytest.raises(EngineFailed):
        await outcome_of(await worker.assistant.start(ONE, caller()))

    assert calls_of(worker) == (1, 1, 0, 1)


@pytest.mark.parametrize("error", [PromptTooLong("scripted/model"), NotFound("model", "m")])
async def test_a_request_that_was_wrong_is_no_failure(
    engine: ScriptedEngine, worker: Wired, error: LightspeedError
) -> None:
    engine.will(refuses(error))
    with pytest.raises(type(error)):
        await worker.assistant.start(ONE, caller())

    assert calls_of(worker) == (1, 0, 0, 0)


async def test_a_shorter_second_try_is_the_same_turn(engine: ScriptedEngine, worker: Wired) -> None:
    first = await outcome_of(await worker.assistant.start(TurnRequest(query="zero"), caller()))
    engine.will(refuses(PromptTooLong("scripted/model")), says("Hi"))
    again = TurnRequest(query="one", endpoint=ONE.endpoint, conversation_id=first.conversation_id)
    await outcome_of(await worker.assistant.start(again, caller()))

    assert calls_of(worker) == (1, 0, 1, 0)


async def test_a_call_that_the_user_stopped_is_neither_success_nor_failure(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will([ACCEPTED, *says("Hel")[:1], asyncio.Event()])
    source = await worker.assistant.start(ONE, caller())
    await text_has_come(source)
    await worker.assistant.interrupt(source.turn_id, caller())
    await outcome_of(source)

    assert calls_of(worker) == (1, 0, 0, 0)


@pytest.mark.parametrize(("shield", "calls"), [("input_guard", 0), ("output_guard", 1)])
async def test_a_refusal_is_counted_by_its_endpoint(
    engine: ScriptedEngine, worker: Wired, shield: str, calls: int
) -> None:
    engine.add_shield(shield, "bomb")
    engine.will(says("A bomb"))
    asked = TurnRequest(query="a bomb", endpoint="/v1/streaming_query", shield_ids=(shield,))
    await outcome_of(await worker.assistant.start(asked, caller()))

    refusals = 'ls_llm_validation_errors_total{endpoint="/v1/streaming_query"}'
    assert value_of(worker, refusals) == 1
    assert calls_of(worker)[0] == calls


async def test_a_turn_is_timed_once_and_so_is_its_first_text(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(says("a", "b", "c"))
    await outcome_of(await worker.assistant.start(ONE, caller()))

    assert value_of(worker, FIRST_TEXT) == 1
    assert value_of(worker, OUTCOME % "completed") == 1


async def test_a_turn_that_breaks_is_timed_as_failed(engine: ScriptedEngine, worker: Wired) -> None:
    engine.will(refuses(EngineUnavailable("gone")))
    with pytest.raises(EngineUnavailable):
        await worker.assistant.start(ONE, caller())

    assert value_of(worker, FIRST_TEXT) == 0
    assert value_of(worker, OUTCOME % "failed") == 1


async def test_a_turn_that_is_stopped_is_timed_as_interrupted(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will([ACCEPTED, *says("Hel")[:1], asyncio.Event()])
    source = await worker.assistant.start(ONE, caller())
    await text_has_come(source)
    await worker.assistant.interrupt(source.turn_id, caller())
    await outcome_of(source)

    assert value_of(worker, FIRST_TEXT) == 1
    assert value_of(worker, OUTCOME % "interrupted") == 1


async def test_a_search_is_timed_and_none_is_not(engine: ScriptedEngine, worker: Wired) -> None:
    engine.add_store(store_info("docs"))
    await outcome_of(await worker.assistant.start(replace(ONE, no_tools=True), caller()))
    assert value_of(worker, RETRIEVAL % "success") == 0
    await outcome_of(await worker.assistant.start(STORE, caller()))

    assert value_of(worker, RETRIEVAL % "success") == 1


async def test_a_search_that_fails_is_timed_as_such(engine: ScriptedEngine, worker: Wired) -> None:
    engine.add_store(store_info("docs")).error = EngineFailed("the index is gone")
    with pytest.raises(EngineUnavailable):
        await worker.assistant.start(STORE, caller())

    assert value_of(worker, RETRIEVAL % "failure") == 1
    assert value_of(worker, RETRIEVAL % "success") == 0
