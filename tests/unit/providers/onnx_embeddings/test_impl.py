"""The provider as the stack calls it."""

import base64
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llama_stack_api import (
    Api,
    InvalidParameterError,
    Model,
    ModelNotFoundError,
    ModelType,
    OpenAIChatCompletionRequestWithExtraBody,
    OpenAICompletionRequestWithExtraBody,
    OpenAIEmbeddingsRequestWithExtraBody,
)
from llama_stack_api.inference import RerankRequest
from pydantic import ValidationError

from lightspeed_stack_providers.onnx_embeddings import (
    OnnxEmbeddings,
    OnnxEmbeddingsConfig,
    get_provider_impl,
)
from lightspeed_stack_providers.onnx_embeddings.config import half_the_cores
from lightspeed_stack_providers.onnx_embeddings.folder import BrokenModel
from lightspeed_stack_providers.onnx_embeddings.provider import get_provider_spec
from tests.unit.providers.onnx_embeddings.models import write_folder

NAME = "all-MiniLM-L6-v2"


async def open_provider(**config: Any) -> OnnxEmbeddings:
    provider = await get_provider_impl(OnnxEmbeddingsConfig.model_validate(config), {})
    provider.__provider_id__ = "onnx"
    return provider


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[OnnxEmbeddings]:
    provider = await open_provider(threads=1)
    yield provider
    await provider.shutdown()


async def embed(provider: OnnxEmbeddings, texts: Any, **extra: Any) -> list[Any]:
    request = {"model": NAME, "input": texts, **extra}
    response = await provider.openai_embeddings(
        OpenAIEmbeddingsRequestWithExtraBody.model_validate(request)
    )
    return [entry.embedding for entry in response.data]


def test_the_stack_finds_the_provider_by_its_module():
    spec = get_provider_spec()

    assert (spec.api, spec.provider_type) == (Api.inference, "inline::onnx_embeddings")
    assert spec.module == "lightspeed_stack_providers.onnx_embeddings"
    assert spec.config_class.endswith(".config.OnnxEmbeddingsConfig")


async def test_the_model_is_listed_with_its_dimension(provider: OnnxEmbeddings):
    (model,) = await provider.list_models()

    assert (model.provider_id, model.provider_resource_id) == ("onnx", NAME)
    assert model.model_type is ModelType.embedding
    assert model.metadata == {"embedding_dimension": 384, "context_length": 256}


async def test_one_text_and_a_list_of_it_are_the_same(provider: OnnxEmbeddings):
    assert await embed(provider, "one") == await embed(provider, ["one"])


async def test_usage_is_counted_in_tokens(provider: OnnxEmbeddings):
    request = OpenAIEmbeddingsRequestWithExtraBody(model=NAME, input=["one", "two"])

    response = await provider.openai_embeddings(request)

    assert (response.usage.prompt_tokens, response.usage.total_tokens) == (6, 6)
    assert [entry.index for entry in response.data] == [0, 1]


async def test_vectors_can_travel_as_base64(provider: OnnxEmbeddings):
    (plain,) = await embed(provider, "one")
    (packed,) = await embed(provider, "one", encoding_format="base64")

    assert list(struct.unpack("<384f", base64.b64decode(packed))) == plain


async def test_the_prefixes_are_put_before_questions_and_passages(tmp_path: Path):
    folder = write_folder(tmp_path / "mine", query_prefix="query: ", passage_prefix="passage: ")
    prefixed = await open_provider(model_dir=folder, model_name=NAME)
    plain = await open_provider()

    assert await embed(prefixed, "x", input_type="query") == await embed(plain, "query: x")
    assert await embed(prefixed, "x", input_type="passage") == await embed(plain, "passage: x")
    assert await embed(prefixed, "x") == await embed(plain, "passage: x")
    await prefixed.shutdown()
    await plain.shutdown()


@pytest.mark.parametrize(
    ("extra", "parameter"),
    [({"dimensions": 128}, "dimensions"), ({"input_type": "search"}, "input_type")],
)
async def test_a_parameter_that_cannot_be_met_is_named(
    provider: OnnxEmbeddings, extra: dict[str, Any], parameter: str
):
    with pytest.raises(InvalidParameterError, match=f"'{parameter}'"):
        await embed(provider, "one", **extra)


async def test_its_own_dimension_may_be_asked_for(provider: OnnxEmbeddings):
    assert len((await embed(provider, "one", dimensions=384))[0]) == 384


async def test_tokens_instead_of_text_are_refused(provider: OnnxEmbeddings):
    with pytest.raises(ValueError, match="token arrays"):
        await embed(provider, [1, 2, 3])


async def test_another_model_is_unknown(provider: OnnxEmbeddings):
    with pytest.raises(ModelNotFoundError, match="'other'"):
        await embed(provider, "one", model="other")


async def test_only_its_own_model_can_be_registered(provider: OnnxEmbeddings):
    (own,) = await provider.list_models()
    other = Model(identifier="a", provider_id="onnx", provider_resource_id="b")

    assert await provider.register_model(own) == own
    bare = own.model_copy(update={"metadata": {"embedding_dimension": 384, "team": "docs"}})
    registered = await provider.register_model(bare)
    assert registered.metadata == {**bare.metadata, "context_length": 256}
    with pytest.raises(ModelNotFoundError, match="'b'"):
        await provider.register_model(other)
    await provider.unregister_model("a")
    assert not await provider.should_refresh_models()


async def test_a_model_is_named_after_its_folder_or_as_configured(tmp_path: Path):
    folder = write_folder(tmp_path / "mine")
    for config, name in (({}, "mine"), ({"model_name": "yours"}, "yours")):
        provider = await open_provider(model_dir=folder, **config)
        assert (await provider.list_models())[0].provider_resource_id == name
        await provider.shutdown()


async def test_a_bad_folder_stops_the_start(tmp_path: Path):
    with pytest.raises(BrokenModel, match=str(tmp_path)):
        await open_provider(model_dir=tmp_path)


async def test_health_tells_of_a_model_that_cannot_be_loaded(tmp_path: Path):
    folder = write_folder(tmp_path / "mine", tokenizer_sha256="0" * 64)
    provider = await open_provider(model_dir=folder, model_name=NAME)
    assert (await provider.health())["status"] == "OK"

    with pytest.raises(BrokenModel):
        await embed(provider, "one")

    health = await provider.health()
    assert health["status"] == "Error"
    assert str(folder) in health["message"]
    await provider.shutdown()


async def test_chat_and_the_rest_are_refused_in_words(provider: OnnxEmbeddings):
    chat = OpenAIChatCompletionRequestWithExtraBody.model_validate(
        {"model": NAME, "messages": [{"role": "user", "content": "Why?"}]}
    )
    with pytest.raises(NotImplementedError, match="does not chat"):
        await provider.openai_chat_completion(chat)
    with pytest.raises(NotImplementedError, match="does not tell its reasoning"):
        await provider.openai_chat_completions_with_reasoning(chat)
    with pytest.raises(NotImplementedError, match="does not complete"):
        await provider.openai_completion(
            OpenAICompletionRequestWithExtraBody(model=NAME, prompt="Why")
        )
    with pytest.raises(NotImplementedError, match="does not rank"):
        await provider.rerank(RerankRequest(model=NAME, query="Why?", items=["x"]))


@pytest.mark.parametrize(
    "config",
    [{"threads": 0}, {"batch_size": 0}, {"batch_size": 64}, {"model": "x"}, {"model_name": ""}],
)
def test_a_senseless_setting_is_refused(config: dict[str, Any]):
    with pytest.raises(ValidationError):
        OnnxEmbeddingsConfig.model_validate(config)


def test_the_default_leaves_half_of_the_machine_to_the_server():
    assert OnnxEmbeddingsConfig().threads is None
    assert 1 <= half_the_cores() <= max(1, (os.cpu_count() or 1) // 2)


def test_nulls_of_environment_substitution_are_defaults():
    settings = {"model_dir": None, "model_name": None, "threads": None}

    assert OnnxEmbeddingsConfig.model_validate(settings) == OnnxEmbeddingsConfig()
