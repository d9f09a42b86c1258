"""The table of the README: one variable, and a language model answers."""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lightspeed_core.assistant.model_choice import choose_model
from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import ChatRequest
from tests.support.engines import environment, started_engine
from tests.support.stub_llm import StubLLM, stub_llm

# What Llama Stack itself warns of while it is imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

README = Path(__file__).resolve().parents[2] / "README.md"
LISTED = ("first-listed", "second-listed")
KEYED = {"OPENAI_API_KEY": "OPENAI_BASE_URL", "GEMINI_API_KEY": "GEMINI_BASE_URL"}


def table_rows() -> dict[str, str]:
    """Return the switches of the README, each with its row, in their order."""
    section = README.read_text().partition("## Use a language model")[2].partition("\n## ")[0]
    return {row[1]: row[0] for row in re.finditer(r"^\| `([A-Z_]+)` \|.*$", section, re.MULTILINE)}


# A file on this machine is no endpoint; tests/integration/test_llama_cpp.py asks its model.
FILE = "LLAMA_CPP_MODEL"
SWITCHES = {switch: row for switch, row in table_rows().items() if switch != FILE}


@pytest.fixture(scope="module")
def stub() -> Iterator[StubLLM]:
    with stub_llm("--models", ",".join(LISTED)) as started:
        yield started


def switched_on(switch: str, stub: StubLLM) -> dict[str, str]:
    """Return what a user sets: an address, or a key and the address of another endpoint."""
    if switch in KEYED:
        return {switch: "sk-test", KEYED[switch]: stub.base_url}
    return {switch: stub.base_url}


def variables_of_run_yaml() -> set[str]:
    return set(re.findall(r"\$\{env\.(\w+)", shipped_file("run.yaml").read_text()))


@asynccontextmanager
async def engine_with(data: Path, **variables: str) -> AsyncGenerator[Engine]:
    """Start the shipped run.yaml with these variables and no others."""
    # For Llama Stack an empty variable is an unset one.
    unset = dict.fromkeys(variables_of_run_yaml(), "")
    settings = EngineSettings(run_config=shipped_file("run.yaml"), data_dir=data)
    with environment(**(unset | {"LIGHTSPEED_DATA_DIR": str(data)} | variables)):
        async with started_engine(settings) as engine:
            yield engine


async def default_model(engine: Engine) -> str:
    chosen = choose_model(await engine.models(), requested=None, last_used=None, configured=None)
    return chosen.identifier


async def said(engine: Engine, model: str) -> str:
    request = ChatRequest(model=model, messages=(Message(role=Role.USER, content="hello"),))
    deltas = [delta async for delta in engine.chat(request)]
    return "".join(token for delta in deltas for token in delta.tokens)


@pytest.mark.requirement("start.cited")
async def test_with_nothing_set_the_default_model_quotes(tmp_path: Path) -> None:
    async with engine_with(tmp_path) as engine:
        assert await default_model(engine) == "extractive/quote"


@pytest.mark.requirement("model.switch")
@pytest.mark.requirement("model.first-of-list")
@pytest.mark.parametrize("switch", SWITCHES)
async def test_one_variable_makes_a_model_the_default_and_it_answers(
    tmp_path: Path, stub: StubLLM, switch: str
) -> None:
    provider = switch.partition("_")[0].lower()
    named_by_default = re.search(rf"`{provider.upper()}_MODEL` \(`([^`]+)`\)", SWITCHES[switch])
    expected = named_by_default[1] if named_by_default else LISTED[0]

    async with engine_with(tmp_path, **switched_on(switch, stub)) as engine:
        assert await default_model(engine) == f"{provider}/{expected}"
        assert await said(engine, f"{provider}/{LISTED[0]}") == "You asked: hello"


@pytest.mark.requirement("model.switch")
@pytest.mark.parametrize("switch", SWITCHES)
async def test_the_model_that_is_named_comes_first(
    tmp_path: Path, stub: StubLLM, switch: str
) -> None:
    provider = switch.partition("_")[0]
    named = {f"{provider}_MODEL": LISTED[1]}
    assert f"`{provider}_MODEL`" in SWITCHES[switch]

    async with engine_with(tmp_path, **switched_on(switch, stub), **named) as engine:
        assert await default_model(engine) == f"{provider.lower()}/{LISTED[1]}"


@pytest.mark.requirement("model.order")
@pytest.mark.requirement("model.choice")
async def test_the_order_of_the_table_decides_and_all_can_answer(
    tmp_path: Path, stub: StubLLM
) -> None:
    everything = {
        name: value for switch in SWITCHES for name, value in switched_on(switch, stub).items()
    }
    async with engine_with(tmp_path, **everything) as engine:
        listed = [model for model in await engine.models() if model.model_type == "llm"]
        providers = list(dict.fromkeys(model.provider_id for model in listed))
        assert providers == [*(s.partition("_")[0].lower() for s in SWITCHES), "extractive"]
        for provider in providers[:-1]:
            assert await said(engine, f"{provider}/{LISTED[1]}") == "You asked: hello"


@pytest.mark.requirement("model.switch")
@pytest.mark.parametrize("switch", SWITCHES)
async def test_a_key_is_sent_to_its_endpoint_alone(
    tmp_path: Path, stub: StubLLM, switch: str
) -> None:
    provider = switch.partition("_")[0]
    key = {f"{provider}_API_KEY": "key-of-this-one"} if "_API_KEY`" in SWITCHES[switch] else {}
    stub.clear()

    async with engine_with(tmp_path, **(switched_on(switch, stub) | key)) as engine:
        await said(engine, f"{provider.lower()}/{LISTED[0]}")

    (request,) = stub.requests()
    sent = request["headers"].get("authorization")
    assert sent == ("Bearer key-of-this-one" if key else None)
