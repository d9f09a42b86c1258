"""Cosines from the stack's embedding model, and what happens without one."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from llama_stack_api import (
    Model,
    ModelNotFoundError,
    ModelType,
    OpenAIEmbeddingData,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAIEmbeddingsResponse,
    OpenAIEmbeddingUsage,
)

from lightspeed_stack_providers.extractive.similarity import Similarity
from lightspeed_stack_providers.onnx_embeddings.provider import get_provider_spec

VECTORS = {"q": [2.0, 0.0], "same": [1.0, 0.0], "other": [0.0, 3.0], "half": [1.0, 1.0], "": [0, 0]}


class Provider:
    """An embedding provider with known vectors that remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[OpenAIEmbeddingsRequestWithExtraBody] = []

    async def openai_embeddings(
        self, params: OpenAIEmbeddingsRequestWithExtraBody
    ) -> OpenAIEmbeddingsResponse:
        self.requests.append(params)
        data = [
            OpenAIEmbeddingData(index=i, embedding=[float(x) for x in VECTORS[str(text)]])
            for i, text in enumerate(params.input)
        ]
        usage = OpenAIEmbeddingUsage(prompt_tokens=1, total_tokens=1)
        return OpenAIEmbeddingsResponse(model=params.model, data=data, usage=usage)


class Store:
    """A model store with one model, `onnx/mini`, as the stack's routing table has it."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    async def get_model(self, request_or_model_id: str) -> Model:
        if request_or_model_id != "onnx/mini":
            raise ModelNotFoundError(request_or_model_id)
        return Model(
            identifier="onnx/mini",
            provider_id="onnx",
            provider_resource_id="mini",
            model_type=ModelType.embedding,
        )

    async def get_provider_impl(self, model_id: str) -> Any:
        assert model_id == "onnx/mini"
        return self.provider


async def test_cosines_do_not_depend_on_the_length_of_vectors():
    provider = Provider()

    cosines = await Similarity("onnx/mini").cosines(Store(provider), "q", ["same", "other", "half"])

    assert cosines == [pytest.approx(1), pytest.approx(0), pytest.approx(0.7071, abs=1e-4)]
    assert [request.model for request in provider.requests] == ["mini", "mini"]


async def test_a_vector_of_zeros_is_like_nothing():
    assert await Similarity("onnx/mini").cosines(Store(Provider()), "q", [""]) == [0]


async def test_our_own_provider_is_told_questions_from_passages():
    provider = Provider()
    vars(provider)["__provider_spec__"] = get_provider_spec()

    await Similarity("onnx/mini").cosines(Store(provider), "q", ["same"])

    assert [request.model_extra for request in provider.requests] == [
        {"input_type": "query"},
        {"input_type": "passage"},
    ]


async def test_foreign_providers_get_no_field_that_they_may_refuse():
    provider = Provider()
    vars(provider)["__provider_spec__"] = SimpleNamespace(provider_type="remote::openai")

    await Similarity("onnx/mini").cosines(Store(provider), "q", ["same"])

    assert [request.model_extra for request in provider.requests] == [{}, {}]


@pytest.mark.parametrize("store", [None, object(), Store(object()), Store(None)])
async def test_without_an_embedding_model_there_are_no_cosines(store: object):
    similarity = Similarity("onnx/mini")

    assert await similarity.cosines(store, "q", ["same"]) is None
    assert "onnx/mini cannot be used" in (similarity.failure or "")


async def test_a_lasting_failure_is_logged_once(caplog: pytest.LogCaptureFixture):
    similarity = Similarity("onnx/unknown")

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await similarity.cosines(Store(Provider()), "q", ["same"]) is None

    assert [record.message for record in caplog.records] == [
        "embedding failed, sentences were ranked by words alone model=onnx/unknown"
    ]


async def test_a_model_that_comes_back_is_used_again(caplog: pytest.LogCaptureFixture):
    similarity = Similarity("onnx/mini")
    await similarity.cosines(None, "q", ["same"])

    assert await similarity.cosines(Store(Provider()), "q", ["same"]) == [pytest.approx(1)]
    assert similarity.failure is None
    assert len(caplog.records) == 1
