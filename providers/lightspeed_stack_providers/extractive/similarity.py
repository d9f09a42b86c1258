"""How near texts are in meaning, asked of the stack's own embedding model.

The model is found in the stack's model store, which the router hands to every inference provider:
a declared dependency on inference would be a circle, and a second loaded model would be a waste.
"""

import logging
import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from llama_stack_api import InferenceProvider, Model, OpenAIEmbeddingsRequestWithExtraBody

logger = logging.getLogger(__name__)


@runtime_checkable
class ModelStore(Protocol):
    """The part of the stack's model store that leads from a model to its provider."""

    async def get_model(self, request_or_model_id: str) -> Model:
        """Find a model by the stack's identifier."""
        ...

    async def get_provider_impl(self, model_id: str) -> InferenceProvider:
        """Find the provider that serves a model."""
        ...


class Similarity:
    """Cosines by an embedding model; without one there are none, which is logged once."""

    def __init__(self, embedding_model: str) -> None:
        self._embedding_model = embedding_model
        self._failure: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the last attempt gave no cosines."""
        return self._failure

    async def cosines(
        self, store: object, question: str, texts: Sequence[str]
    ) -> list[float] | None:
        """Compare a question with texts; None when the embedding model cannot be used."""
        try:
            cosines = await self._cosines(store, question, texts)
        except Exception as error:
            # A foreign provider may raise anything, and an answer can do without it.
            if self._failure is None:
                logger.warning(
                    "embedding failed, sentences were ranked by words alone model=%s",
                    self._embedding_model,
                    exc_info=True,
                )
            self._failure = f"{self._embedding_model} cannot be used: {error}"
            return None
        self._failure = None
        return cosines

    async def _cosines(self, store: object, question: str, texts: Sequence[str]) -> list[float]:
        if not isinstance(store, ModelStore):
            raise TypeError("The stack offers no model store that knows providers")
        name = (await store.get_model(self._embedding_model)).provider_resource_id
        provider = await store.get_provider_impl(self._embedding_model)
        asked = await _embed(provider, str(name), [question], "query")
        offered = await _embed(provider, str(name), texts, "passage")
        return [_cosine(asked[0], vector) for vector in offered]


async def _embed(
    provider: InferenceProvider, model: str, texts: Sequence[str], input_type: str
) -> list[Sequence[float]]:
    request: dict[str, Any] = {"model": model, "input": list(texts)}
    if _understands_input_type(provider):
        request["input_type"] = input_type
    response = await provider.openai_embeddings(
        OpenAIEmbeddingsRequestWithExtraBody.model_validate(request)
    )
    return [entry.embedding for entry in response.data if not isinstance(entry.embedding, str)]


def _understands_input_type(provider: InferenceProvider) -> bool:
    """Tell our own provider from others, which may refuse a field that they do not know."""
    spec = getattr(provider, "__provider_spec__", None)
    return getattr(spec, "provider_type", None) == "inline::onnx_embeddings"


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    norms = math.sqrt(math.sumprod(one, one) * math.sumprod(other, other))
    return math.sumprod(one, other) / norms if norms else 0.0
