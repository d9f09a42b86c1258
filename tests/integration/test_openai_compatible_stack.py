import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
import yaml
from llama_stack_api import Api, OpenAIChatCompletion, OpenAIEmbeddingsRequestWithExtraBody

from lightspeed_stack_providers.failures import UpstreamCut, UpstreamUnauthorized
from lightspeed_stack_providers.lean import LeanChat
from lightspeed_stack_providers.openai_compatible.impl import OpenAICompatible
from tests.support.openai_provider import params, provided
from tests.support.raw_stack import raw_stack
from tests.support.stub_llm import StubLLM, stub_llm


@pytest.fixture(scope="module")
def running_stub() -> Generator[StubLLM]:
    with stub_llm() as stub:
        yield stub


@pytest.fixture
def stub(running_stub: StubLLM) -> StubLLM:
    running_stub.clear()
    return running_stub


@pytest.fixture
async def provider(stub: StubLLM) -> AsyncGenerator[OpenAICompatible]:
    async with provided(stub.base_url, api_key="sk-test") as provider:
        yield provider


async def test_a_whole_completion_has_the_stacks_type(provider: OpenAICompatible) -> None:
    completion = await provider.openai_chat_completion(params("hi"))
    assert isinstance(completion, OpenAIChatCompletion)
    assert completion.choices[0].message.content == "You asked: hi"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 1


@pytest.mark.parametrize("shape", ["", "[[nostream]]"])
async def test_a_streamed_completion_has_the_stacks_type(
    provider: OpenAICompatible, shape: str
) -> None:
    chunks = await provider.openai_chat_completion(params(f"{shape}hi", stream=True))
    assert isinstance(chunks, AsyncIterator)
    contents = [choice.delta.content async for chunk in chunks for choice in chunk.choices]
    assert "".join(content or "" for content in contents) == "You asked: hi"


async def test_a_refused_stream_raises_before_it_begins(provider: OpenAICompatible) -> None:
    with pytest.raises(UpstreamUnauthorized):
        await provider.openai_chat_completion(params("[[status=401]]", stream=True))


async def test_a_cut_stream_of_the_stack_raises(provider: OpenAICompatible) -> None:
    chunks = await provider.openai_chat_completion(params("[[nofinish]]hi", stream=True))
    assert isinstance(chunks, AsyncIterator)
    with pytest.raises(UpstreamCut):
        async for _ in chunks:
            pass


@pytest.mark.parametrize(("given", "count"), [("one", 1), (["one", "two"], 2)])
async def test_texts_are_embedded(provider: OpenAICompatible, given: object, count: int) -> None:
    body = {"model": "text-embedding-fake", "input": given}
    wanted = OpenAIEmbeddingsRequestWithExtraBody.model_validate(body)
    embeddings = await provider.openai_embeddings(wanted)
    assert [len(row.embedding) for row in embeddings.data] == [64] * count


async def test_a_body_of_many_megabytes_is_sent(provider: OpenAICompatible) -> None:
    body = {"model": "text-embedding-fake", "input": ["word " * 1000] * 400}
    wanted = OpenAIEmbeddingsRequestWithExtraBody.model_validate(body)
    assert len((await provider.openai_embeddings(wanted)).data) == 400


async def test_configured_models_are_listed_before_discovered_ones(stub: StubLLM) -> None:
    settings = {"models": "mine", "embedding_models": "text-embedding-fake=64"}
    async with provided(stub.base_url, **settings) as provider:
        names = [model.identifier for model in await provider.list_models()]
    assert names == ["mine", "text-embedding-fake", "fake-llm", "fake-guard"]


async def test_configured_models_are_listed_without_asking(stub: StubLLM) -> None:
    async with provided(stub.base_url, models="mine", discover_models=False) as provider:
        names = [model.identifier for model in await provider.list_models()]
    assert names == ["mine"]
    assert stub.requests("/v1/models") == []


async def test_a_failed_discovery_leaves_the_configured_models_and_one_line(
    stub: StubLLM, caplog: pytest.LogCaptureFixture
) -> None:
    async with provided(f"{stub.origin}/nowhere", models="mine") as provider:
        names = [model.identifier for model in await provider.list_models()]
    assert names == ["mine"]
    assert len(caplog.records) == 1
    assert "not discovered" in caplog.text


async def test_models_may_be_asked_for_on_another_loop_than_chats(
    provider: OpenAICompatible,
) -> None:
    models = await asyncio.to_thread(lambda: asyncio.run(provider.list_models()))
    assert [model.identifier for model in models] == ["fake-llm", "fake-guard"]
    completion = await provider.openai_chat_completion(params("hi"))
    assert isinstance(completion, OpenAIChatCompletion)


async def test_an_endpoint_without_a_list_of_models_is_healthy(stub: StubLLM) -> None:
    async with provided(f"{stub.origin}/nowhere") as provider:
        assert (await provider.health())["status"] == "OK"


async def test_a_refused_key_is_no_health(stub: StubLLM) -> None:
    async with provided(stub.base_url, api_key="wrong-key", models="mine") as provider:
        health = await provider.health()
        names = [model.identifier for model in await provider.list_models()]
    assert health["status"] == "Error"
    assert "Incorrect API key" in health["message"]
    assert names == ["mine"]


@pytest.mark.parametrize("operation", ["openai_completion", "rerank"])
async def test_what_endpoints_do_not_share_is_refused(
    provider: OpenAICompatible, operation: str
) -> None:
    with pytest.raises(NotImplementedError):
        await getattr(provider, operation)(None)


def run_config(folder: Path, stub: StubLLM) -> Path:
    provider = {
        "provider_id": "${env.STUB_KEY:+gpt}",
        "provider_type": "remote::openai_compatible",
        "module": "lightspeed_stack_providers.openai_compatible",
        "config": {
            "base_url": stub.base_url,
            "api_key": "${env.STUB_KEY:=}",
            "models": "${env.STUB_MODELS:=}",
            "embedding_models": {"text-embedding-fake": 64},
        },
    }
    backends = {
        "kv_default": {"type": "kv_sqlite", "db_path": str(folder / "kv.db")},
        "sql_default": {"type": "sql_sqlite", "db_path": str(folder / "sql.db")},
    }
    path = folder / "run.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "version": 2,
                "distro_name": "test",
                "apis": ["inference"],
                "providers": {"inference": [provider]},
                "storage": {"backends": backends},
            }
        )
    )
    return path


@pytest.fixture
async def stack(
    tmp_path: Path, stub: StubLLM, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Any]:
    monkeypatch.setenv("LLAMA_STACK_LOG_FORMAT", "json")
    monkeypatch.setenv("STUB_KEY", "12345")
    async with raw_stack(run_config(tmp_path, stub)) as client:
        yield client


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_a_real_llama_stack_serves_chat_and_embeddings_through_it(
    stack: Any, stub: StubLLM
) -> None:
    models = [model.id for model in await stack.models.list()]
    assert set(models) == {"gpt/text-embedding-fake", "gpt/fake-llm", "gpt/fake-guard"}
    messages = [{"role": "user", "content": "hi"}]
    whole = await stack.chat.completions.create(model="gpt/fake-llm", messages=messages)
    assert whole.choices[0].message.content == "You asked: hi"
    chunks = await stack.chat.completions.create(
        model="gpt/fake-llm", messages=messages, stream=True
    )
    contents = [choice.delta.content or "" async for chunk in chunks for choice in chunk.choices]
    assert "".join(contents) == "You asked: hi"
    embedded = await stack.embeddings.create(model="gpt/text-embedding-fake", input="hi")
    assert len(embedded.data[0].embedding) == 64
    assert {request["body"]["model"] for request in stub.requests()} == {"fake-llm"}
    provider = stack.impls[Api.inference].routing_table.impls_by_provider_id["gpt"]
    assert isinstance(provider, LeanChat)
    assert (await stack.impls[Api.inference].health())["gpt"]["status"] == "OK"
