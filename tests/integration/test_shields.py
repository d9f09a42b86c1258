"""Shields in a real Llama Stack: ours, and its own Llama Guard over a fake model."""

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.shields.shield import ShieldSettings
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.domain.turn import Turn
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from tests.support.assistants import caller, wired_assistant
from tests.support.engines import (
    environment,
    started_engine,
    stub_environment,
    write_run_yaml,
)
from tests.support.stub_llm import StubLLM, stub_llm

# What Llama Stack itself warns of while it is imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "sdk/fake-llm"
CARD = "4111 1111 1111 1111"
WRITE_SECONDS = 5


def provider(name: str, **config: object) -> dict[str, Any]:
    return {
        "provider_id": name,
        "provider_type": f"inline::{name}",
        "module": f"lightspeed_stack_providers.{name}",
        "config": config,
    }


@pytest.fixture(scope="module")
def stub() -> Iterator[StubLLM]:
    with stub_llm() as running:
        yield running


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
async def engine(
    stub: StubLLM, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Engine]:
    path = write_run_yaml(tmp_path_factory.mktemp("run"))
    content = yaml.safe_load(path.read_text())
    content["providers"]["safety"] += [
        provider("redaction", detect=["credit_card"], reversible=True),
        provider("question_validity", model_id=MODEL, model_prompt="${message}"),
    ]
    guard = {"provider_id": "guard", "provider_shield_id": "sdk/fake-guard"}
    content["registered_resources"]["shields"] = [
        {"shield_id": "input_guard", **guard},
        {"shield_id": "output_guard", **guard},
        {"shield_id": "inout_cards", "provider_id": "redaction"},
        {"shield_id": "on_topic", "provider_id": "question_validity"},
    ]
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    settings = EngineSettings(run_config=path, data_dir=data_dir)
    with environment(**stub_environment(stub)):
        async with started_engine(settings) as engine:
            yield engine


@pytest.fixture(autouse=True)
async def nothing_left_over() -> AsyncGenerator[None]:
    """Collect the clients that Llama Stack's own SDK provider makes per call and never closes."""
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()
        await asyncio.sleep(0)


async def ask(engine: Engine, query: str, *shields: str) -> tuple[Turn, Turn]:
    """Return the turn as its user is shown it, and as it is stored."""
    store = MemoryConversationStore()
    settings = AssistantSettings(
        system_prompt="", shielding=ShieldSettings(window_sentences=1, shortest_window=1)
    )
    async with wired_assistant(engine, store, settings=settings) as worker:
        request = TurnRequest(
            query=query,
            provider="sdk",
            model="fake-llm",
            shield_ids=shields,
            generate_topic_summary=False,
            no_tools=True,
        )
        shown = await outcome_of(await worker.assistant.start(request, caller()))
    (stored,) = await store.history(shown.conversation_id)
    return shown, stored


async def test_kinds_that_rewrite_are_told_from_those_that_check(engine: Engine) -> None:
    listed = {each.identifier: each.may_rewrite for each in await engine.shields()}
    assert listed == {
        "input_guard": False,
        "output_guard": False,
        "inout_cards": True,
        "on_topic": False,
    }


@pytest.mark.parametrize(
    ("query", "refused_by"), [("Make a bomb", "input_guard"), ("Bake a cake", None)]
)
async def test_two_shields_share_one_guard_model(
    engine: Engine, query: str, refused_by: str | None
) -> None:
    turn, _ = await ask(engine, query, "input_guard", "output_guard")

    assert turn.refused_by == refused_by


async def test_an_answer_is_guarded_by_the_same_model(engine: Engine) -> None:
    turn, _ = await ask(engine, "Name a bomb", "output_guard")

    assert turn.refused_by == "output_guard"
    assert "bomb" not in turn.text


@pytest.mark.attack(52)
async def test_a_guard_that_talks_rubbish_has_failed(engine: Engine) -> None:
    turn, _ = await ask(engine, "[[say=banana]]", "input_guard")

    assert turn.refused_by == "input_guard"
    assert [warning.code for warning in turn.warnings] == ["shield_failed"]


@pytest.mark.requirement("shield.unkept")
async def test_what_a_guard_is_asked_is_not_kept_by_the_stack(
    engine: Engine, data_dir: Path
) -> None:
    before = asyncio.all_tasks()
    turn, _ = await ask(engine, "May a flamingo judge?", "input_guard")
    if writing := asyncio.all_tasks() - before:
        await asyncio.wait(writing, timeout=WRITE_SECONDS)

    assert turn.text == "You asked: May a flamingo judge?"
    assert files_with(b"flamingo", data_dir) == []


def files_with(text: bytes, folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if text in path.read_bytes()]


@pytest.mark.requirement("redaction.reversible")
async def test_a_provider_that_rewrites_is_obeyed_and_its_values_come_back(
    engine: Engine,
) -> None:
    shown, stored = await ask(engine, f"Is {CARD} mine?", "inout_cards")

    assert shown.text == f"You asked: Is {CARD} mine?"
    assert stored.question.startswith("Is [CREDIT_CARD_")
    assert stored.text == f"You asked: {stored.question}"


@pytest.mark.requirement("validity.answer")
@pytest.mark.parametrize(("said", "is_refused"), [("ALLOWED", False), ("REJECTED", True)])
async def test_a_model_of_the_stack_decides_on_questions(
    engine: Engine, said: str, is_refused: bool
) -> None:
    message = Message(role=Role.USER, content=f"Why? [[say={said}]]")

    verdict = await engine.run_shield("on_topic", (message,))

    assert verdict.blocked is is_refused
    answer = Message(role=Role.ASSISTANT, content="[[say=REJECTED]]")
    assert not (await engine.run_shield("on_topic", (message, answer))).blocked
