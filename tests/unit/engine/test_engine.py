"""An engine that boots while it is already asked."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.engine.llama_stack.engine import LlamaStackEngine
from lightspeed_core.engine.llama_stack.settings import EngineSettings, Reliance, Resource
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import ConfigurationError, EngineFailed, EngineUnavailable
from tests.support.memory_stack import MemoryStack, model, provider

type Report = Callable[[BootStage], None]


class Opening:
    """Opens a memory stack when the test lets it, or fails as the test wants."""

    def __init__(self, *failures: Exception) -> None:
        self.gate = asyncio.Event()
        self.failures = list(failures)
        self.attempts: list[EngineSettings] = []
        self.stack = MemoryStack(
            listed_models=[model("p/m")], listed_providers=[provider("p", "inline::p")]
        )

    async def __call__(self, settings: EngineSettings, report: Report) -> Stack:
        self.attempts.append(settings)
        report(BootStage.IMPORTING)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return self.stack


def settings(**changes: Any) -> EngineSettings:
    return replace(EngineSettings(data_dir=Path("unused"), boot_wait_seconds=5.0), **changes)


async def test_a_call_waits_for_the_boot_and_then_answers():
    opening = Opening()
    engine = LlamaStackEngine(settings(), opening)
    assert engine.status().stage is BootStage.STARTING
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.start())
        call = group.create_task(engine.models())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert engine.status().stage is BootStage.IMPORTING
        assert not call.done()
        opening.gate.set()
    assert [each.identifier for each in call.result()] == ["p/m"]
    assert engine.status().stage is BootStage.READY


async def test_a_call_waits_no_longer_than_it_may_and_names_the_stage():
    engine = LlamaStackEngine(settings(boot_wait_seconds=0.01), Opening())
    async with asyncio.TaskGroup() as group:
        boot = group.create_task(engine.start())
        with pytest.raises(EngineUnavailable, match="still importing Llama Stack"):
            await engine.version()
        boot.cancel()
    assert engine.status().stage is BootStage.FAILED


async def test_a_failed_boot_is_told_at_once_with_its_reason():
    opening = Opening(ConfigurationError("run.yaml: wrong"))
    opening.gate.set()
    engine = LlamaStackEngine(settings(), opening)
    with pytest.raises(ConfigurationError):
        await engine.start()
    assert engine.status().error == "run.yaml: wrong"
    with pytest.raises(EngineUnavailable, match=r"run\.yaml: wrong"):
        await engine.models()


async def test_a_missing_reliance_fails_the_boot_and_closes_the_stack():
    opening = Opening()
    opening.gate.set()
    reliance = Reliance(resource=Resource.MODEL, name="p/none", place="here")
    engine = LlamaStackEngine(settings(relies_on=(reliance,)), opening)
    with pytest.raises(ConfigurationError, match="here: Llama Stack lists no model 'p/none'"):
        await engine.start()
    assert opening.stack.is_closed


async def test_a_server_that_was_away_at_a_degraded_start_is_found_later():
    opening = Opening(EngineUnavailable("away"), EngineUnavailable("still away"))
    opening.gate.set()
    degraded = settings(library_mode=False, url="http://x", allow_degraded_mode=True)
    engine = LlamaStackEngine(degraded, opening)
    await engine.start()
    assert (engine.status().stage, engine.status().error) == (BootStage.FAILED, "away")
    with pytest.raises(EngineUnavailable, match="still away"):
        await engine.models()
    assert len(await engine.models()) == 1
    assert engine.status().stage is BootStage.READY
    assert [attempt.max_retries for attempt in opening.attempts] == [5, 0, 0]


async def test_a_library_that_could_not_boot_is_booted_again_after_a_pause():
    opening = Opening(EngineUnavailable("no database"))
    opening.gate.set()
    pausing = LlamaStackEngine(settings(allow_degraded_mode=True), opening)
    await pausing.start()
    with pytest.raises(EngineUnavailable, match="no database"):
        await pausing.models()
    assert len(opening.attempts) == 1

    opening.failures.append(EngineUnavailable("no database"))
    engine = LlamaStackEngine(settings(allow_degraded_mode=True), opening, library_pause=0.0)
    await engine.start()
    assert engine.status().stage is BootStage.FAILED
    assert len(await engine.models()) == 1
    assert engine.status().stage is BootStage.READY


async def test_calls_at_one_time_share_an_attempt_to_leave_degraded_mode():
    opening = Opening(EngineUnavailable("away"), EngineUnavailable("still away"))
    opening.gate.set()
    engine = LlamaStackEngine(settings(library_mode=False, allow_degraded_mode=True), opening)
    await engine.start()
    opening.gate.clear()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(outcome_of(engine)) for _ in range(5)]
        while len(opening.attempts) < 2:
            await asyncio.sleep(0)
        opening.gate.set()
    assert {call.result() for call in calls} == {"still away"}
    assert len(opening.attempts) == 2


async def outcome_of(engine: LlamaStackEngine) -> str:
    try:
        return await engine.version()
    except EngineUnavailable as error:
        return error.cause


async def test_an_attempt_that_ends_with_its_caller_tells_others_nothing_of_that():
    opening = Opening(EngineUnavailable("away"))
    opening.gate.set()
    engine = LlamaStackEngine(settings(library_mode=False, allow_degraded_mode=True), opening)
    await engine.start()
    opening.gate.clear()
    async with asyncio.TaskGroup() as group:
        call = group.create_task(engine.version())
        while len(opening.attempts) < 2:
            await asyncio.sleep(0)
        call.cancel()
    assert engine.status().error == "away"
    opening.gate.set()
    assert len(await engine.models()) == 1


async def test_health_is_asked_once_for_many_callers():
    opening = Opening()
    opening.gate.set()
    engine = LlamaStackEngine(settings(), opening)
    await engine.start()
    answers = await asyncio.gather(*(engine.health() for _ in range(5)))
    assert opening.stack.health_asked == 1
    assert all(answer[0].status == "OK" for answer in answers)


async def test_a_failure_of_the_health_check_is_named():
    opening = Opening()
    opening.gate.set()
    opening.stack.error = ValueError("odd")
    engine = LlamaStackEngine(settings(), opening)
    await engine.start()
    with pytest.raises(EngineFailed, match="odd"):
        await engine.health()


async def test_a_closed_engine_answers_no_more_and_closes_once():
    opening = Opening()
    opening.gate.set()
    engine = LlamaStackEngine(settings(), opening)
    await engine.start()
    await engine.close()
    await engine.close()
    assert opening.stack.is_closed
    with pytest.raises(EngineUnavailable, match="shut down"):
        await engine.models()
