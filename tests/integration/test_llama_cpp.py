"""A small real model in a GGUF file answers, streams, stops and lets go."""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from llama_stack_api import OpenAIChatCompletionRequestWithExtraBody

from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.domain.messages import Message, Role
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.types import ChatRequest
from lightspeed_core.errors import ConfigurationError, PromptTooLong
from lightspeed_stack_providers.failures import (
    UpstreamContextTooLong,
    UpstreamModelUnknown,
    UpstreamUnreachable,
)
from lightspeed_stack_providers.lean import LeanChat, LeanDelta
from lightspeed_stack_providers.llama_cpp import LlamaCpp, LlamaCppConfig, get_provider_impl, worker
from lightspeed_stack_providers.llama_cpp.gguf import open_gguf
from lightspeed_stack_providers.llama_cpp.process import ModelProcess
from tests.support.engines import environment, started_engine, wait_for
from tests.support.gguf import SHA256, small_model, with_template

NAME = "SmolLM2-135M-Instruct.Q4_1"
LOAD_SECONDS = 60
WORKER = Path(worker.__file__)
SHORT: dict[str, Any] = {"model": NAME, "max_tokens": 8, "temperature": 0}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "is_big": {"type": "boolean"}},
    "required": ["city", "is_big"],
    "additionalProperties": False,
}
TOOLS: dict[str, Any] = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "current_time",
                "description": "Tells what time it is in a zone.",
                "parameters": {
                    "type": "object",
                    "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
                    "required": ["zone"],
                    "additionalProperties": False,
                },
            },
        }
    ]
}
TOOL_TEMPLATE = (
    "{% if tools %}{{ '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def config(**settings: Any) -> LlamaCppConfig:
    defaults = {"model_path": small_model(), "context_size": 512, "max_tokens": 64, "threads": 1}
    return LlamaCppConfig.model_validate(defaults | settings)


@asynccontextmanager
async def started(**settings: Any) -> AsyncGenerator[LlamaCpp]:
    provider = await get_provider_impl(config(**settings), {})
    provider.__provider_id__ = "llama_cpp"
    try:
        yield provider
    finally:
        await provider.shutdown()


async def until_loaded(provider: LlamaCpp) -> None:
    async def is_healthy() -> bool:
        return (await provider.health())["status"] == "OK"

    await wait_for(is_healthy, LOAD_SECONDS)


@pytest.fixture(scope="module")
async def provider() -> AsyncGenerator[LlamaCpp]:
    async with started(model_sha256=SHA256) as provider:
        await until_loaded(provider)
        yield provider


def asked(text: str, **more: Any) -> dict[str, Any]:
    return {**SHORT, "messages": [{"role": "user", "content": text}], **more}


async def answered(provider: LeanChat, body: dict[str, Any]) -> list[LeanDelta]:
    return [delta async for delta in provider.lean_chat(body)]


def text_of(deltas: list[LeanDelta]) -> str:
    return "".join(token for delta in deltas for token in delta.tokens)


def workers() -> list[psutil.Process]:
    """List the processes of models among the children of this one."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == [str(WORKER)]
    ]


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "llama-cpp"]


@pytest.mark.requirement("llama-cpp.answers")
async def test_an_answer_comes_token_by_token_and_is_counted(provider: LlamaCpp) -> None:
    deltas = await answered(provider, asked("Say hello."))

    assert isinstance(provider, LeanChat)
    assert deltas[0] == LeanDelta()
    assert text_of(deltas).strip()
    assert len([delta for delta in deltas if delta.tokens]) > 1
    assert deltas[-1].finish_reason in {"stop", "length"}
    assert deltas[-1].usage is not None
    assert 0 < deltas[-1].usage[1] <= 8


async def test_a_stop_word_ends_the_answer(provider: LlamaCpp) -> None:
    whole = text_of(await answered(provider, asked("Count: one two three", max_tokens=16)))
    word = whole.split()[1]

    cut = text_of(await answered(provider, asked("Count: one two three", stop=[word])))

    assert word not in cut
    assert whole.startswith(cut)


@pytest.mark.requirement("llama-cpp.answers")
async def test_an_answer_obeys_a_json_schema(provider: LlamaCpp) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}

    deltas = await answered(provider, asked("Name a city.", max_tokens=64, response_format=wanted))

    found = json.loads(text_of(deltas))
    assert found.keys() == {"city", "is_big"}
    assert isinstance(found["is_big"], bool)


@pytest.mark.requirement("llama-cpp.answers")
async def test_an_answer_that_is_left_in_the_middle_frees_its_place(provider: LlamaCpp) -> None:
    async with aclosing(provider.lean_chat(asked("Tell a story.", max_tokens=400))) as deltas:
        async for delta in deltas:
            if delta.tokens:
                break

    async with asyncio.timeout(30):
        assert text_of(await answered(provider, asked("Say hello.")))


async def test_no_answer_is_longer_than_the_setting(provider: LlamaCpp) -> None:
    deltas = await answered(provider, asked("Count to a thousand.", max_tokens=5000))

    assert deltas[-1].usage is not None
    assert deltas[-1].usage[1] <= 64


async def test_a_prompt_that_does_not_fit_is_said_to_be_too_long(provider: LlamaCpp) -> None:
    with pytest.raises(UpstreamContextTooLong):
        await answered(provider, asked("word " * 600))


@pytest.mark.requirement("llama-cpp.tools")
async def test_tools_are_left_out_where_the_template_has_no_place_for_them(
    provider: LlamaCpp,
) -> None:
    without = await answered(provider, asked("What time is it?"))
    with_tools = await answered(
        provider, asked("What time is it?", **TOOLS, tool_choice="required")
    )

    assert with_tools[-1].usage == without[-1].usage
    assert with_tools[-1].tool_calls == ()
    (model,) = await provider.list_models()
    assert model.metadata["calls_tools"] is False


@pytest.fixture(scope="module")
def knowing_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with a chat template that tells of tools."""
    return with_template(TOOL_TEMPLATE, tmp_path_factory.mktemp("models") / "tools.gguf")


@pytest.mark.requirement("llama-cpp.tools")
async def test_a_template_with_a_place_for_tools_tells_the_model_of_them(
    knowing_tools: Path,
) -> None:
    async with started(model_path=knowing_tools, model_name=NAME) as provider:
        without = await answered(provider, asked("What time is it?"))
        with_tools = await answered(provider, asked("What time is it?", **TOOLS))
        (model,) = await provider.list_models()

    assert without[-1].usage is not None
    assert with_tools[-1].usage is not None
    # The template writes their JSON into the prompt.
    assert with_tools[-1].usage[0] > without[-1].usage[0] + 40
    assert model.metadata["calls_tools"] is True


async def test_the_chat_template_is_the_one_of_the_file(provider: LlamaCpp, tmp_path: Path) -> None:
    silent = with_template("{{ '<|im_start|>assistant\\n' }}", tmp_path / "silent.gguf")
    async with started(model_path=silent, model_name=NAME) as other:
        short, long = [await answered(other, asked(text)) for text in ("Hi.", "Hi there. " * 9)]
    usual = await answered(provider, asked("Hi."))

    # A template without the messages tells the model nothing of them.
    assert short[-1].usage is not None
    assert long[-1].usage is not None
    assert usual[-1].usage is not None
    assert short[-1].usage[0] == long[-1].usage[0] < usual[-1].usage[0]


async def test_another_model_is_not_known(provider: LlamaCpp) -> None:
    with pytest.raises(UpstreamModelUnknown, match="other"):
        await answered(provider, asked("Hello.", model="other"))


@pytest.mark.parametrize("streams", [False, True])
async def test_the_stacks_own_protocol_is_served(provider: LlamaCpp, streams: bool) -> None:
    params = OpenAIChatCompletionRequestWithExtraBody.model_validate(
        asked("Say hello.", stream=streams)
    )

    answer: Any = await provider.openai_chat_completion(params)

    if streams:
        chunks = [chunk async for chunk in answer]
        assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)
    else:
        assert answer.choices[0].message.content


@pytest.mark.requirement("llama-cpp.closed")
async def test_the_listener_of_the_model_asks_for_a_key_that_nobody_has(
    provider: LlamaCpp,
) -> None:
    address = listeners_of_workers()[0]
    async with aiohttp.ClientSession() as session:
        for path in ("/v1/models", "/props", "/slots", "/tokenize", "/v1/chat/completions"):
            for headers in ({}, {"Authorization": "Bearer guess"}):
                async with session.post(f"{address}{path}", json={}, headers=headers) as answer:
                    assert answer.status == 401
    assert text_of(await answered(provider, asked("Say hello.")))


def listeners_of_workers() -> list[str]:
    """Find where child processes listen, as anybody on the machine can."""
    found = [
        connection.laddr
        for child in workers()
        for connection in child.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {place.ip for place in found} == {"127.0.0.1"}
    return [f"http://{place.ip}:{place.port}" for place in found]


@pytest.mark.usefixtures("provider")
async def test_neither_list_of_processes_nor_environment_shows_the_key() -> None:
    (child,) = workers()
    assert child.cmdline()[1:] == ["-I", str(WORKER)]
    assert child.environ().keys() <= {
        *("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "LC_CTYPE", "GGML_NO_BACKTRACE"),
    }


async def test_who_comes_when_too_many_wait_is_refused() -> None:
    async with started(max_waiting=0) as provider:
        await until_loaded(provider)
        async with aclosing(provider.lean_chat(asked("Tell a story.", max_tokens=60))) as deltas:
            await anext(deltas)
            with pytest.raises(UpstreamUnreachable, match="0 requests wait already"):
                await answered(provider, asked("Say hello."))
        assert text_of(await answered(provider, asked("Say hello.")))


async def test_a_load_is_told_and_questions_wait_for_it() -> None:
    async with started() as provider:
        health = await provider.health()
        assert health["status"] == "Error"
        assert health["message"].startswith(f"{NAME}: loading ")
        async with asyncio.timeout(LOAD_SECONDS):
            assert text_of(await answered(provider, asked("Say hello.")))
        assert (await provider.health())["status"] == "OK"


@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGKILL, "-9 (killed, as"), (signal.SIGABRT, "-6 (given up, as")]
)
async def test_a_process_that_is_killed_is_told_and_replaced_by_the_next_question(
    number: signal.Signals, told: str
) -> None:
    before = {child.pid for child in workers()}
    async with started() as provider:
        await until_loaded(provider)
        (child,) = (each for each in workers() if each.pid not in before)
        os.kill(child.pid, number)

        async def is_noticed() -> bool:
            message = (await provider.health()).get("message", "")
            return f"ended with code {told}" in message and "for want of memory" in message

        await wait_for(is_noticed)
        async with asyncio.timeout(LOAD_SECONDS):
            assert text_of(await answered(provider, asked("Say hello.")))


@pytest.mark.requirement("llama-cpp.closed")
@pytest.mark.parametrize("loads_first", [True, False])
async def test_a_shutdown_leaves_no_process_and_no_thread(loads_first: bool) -> None:
    threads, processes = own_threads(), workers()
    async with started() as provider:
        assert len(own_threads()) == len(threads) + 1
        if loads_first:
            await until_loaded(provider)

    assert own_threads() == threads
    assert workers() == processes


async def test_a_process_that_nobody_stops_ends_with_what_held_it() -> None:
    file = open_gguf(small_model())
    process = ModelProcess(config(), file, os.environ, context=256)
    before = workers()

    del process
    gc.collect()

    async def is_gone() -> bool:
        return len(workers()) == len(before) - 1

    await wait_for(is_gone, LOAD_SECONDS)


async def test_a_file_that_the_library_cannot_load_is_told_in_its_words(tmp_path: Path) -> None:
    file = tmp_path / "unknown.gguf"
    content = small_model().read_bytes()
    file.write_bytes(content.replace(b"llama.block_count", b"llama.block_cuont", 1))
    async with started(model_path=file, model_name="unknown") as provider:

        async def has_failed() -> bool:
            return "ended with code 1" in (await provider.health()).get("message", "")

        await wait_for(has_failed, LOAD_SECONDS)
        with pytest.raises(UpstreamUnreachable, match="block_count"):
            await answered(provider, asked("Hello.", model="unknown"))


@pytest.mark.requirement("model.switch")
async def test_one_variable_makes_the_file_the_default_model(tmp_path: Path) -> None:
    switched = {"LIGHTSPEED_DATA_DIR": str(tmp_path), "LLAMA_CPP_MODEL": str(small_model())}
    settings = EngineSettings(run_config=shipped_file("run.yaml"), data_dir=tmp_path)
    with environment(**switched):
        async with started_engine(settings) as engine:
            listed = [model for model in await engine.models() if model.model_type == "llm"]
            model = listed[0]
            assert model.identifier == f"llama_cpp/{NAME}"
            assert model.metadata["context_length"] == 4096
            assert model.metadata["calls_tools"] is False
            said = Message(role=Role.USER, content="Say hello.")
            request = ChatRequest(model=model.identifier, messages=(said,), max_tokens=8)
            deltas = [delta async for delta in engine.chat(request)]
            assert any(delta.tokens for delta in deltas)
            assert deltas[-1].usage is not None
            long = Message(role=Role.USER, content="word " * 5000)
            with pytest.raises(PromptTooLong):
                async for _ in engine.chat(ChatRequest(model=model.identifier, messages=(long,))):
                    pass
    assert "xllamacpp" not in sys.modules


@pytest.mark.requirement("llama-cpp.refused")
async def test_a_bad_file_stops_the_boot_with_its_name_and_fault(tmp_path: Path) -> None:
    file = tmp_path / "page.gguf"
    file.write_text("<html>not found</html>")
    settings = EngineSettings(run_config=shipped_file("run.yaml"), data_dir=tmp_path)
    with (
        environment(LIGHTSPEED_DATA_DIR=str(tmp_path), LLAMA_CPP_MODEL=str(file)),
        pytest.raises(ConfigurationError, match=r"page\.gguf is no GGUF file"),
    ):
        async with started_engine(settings):
            pass
