"""The stack's inference API over one embedding model; no chat, no completions."""

import asyncio
import base64
import importlib
import struct
from collections.abc import Sequence
from typing import Any, override

from llama_stack_api import (
    HealthResponse,
    HealthStatus,
    InvalidParameterError,
    Model,
    ModelNotFoundError,
    ModelType,
    OpenAIEmbeddingData,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAIEmbeddingsResponse,
    OpenAIEmbeddingUsage,
    validate_embeddings_input_is_text,
)

from lightspeed_stack_providers.counting import TokenCount
from lightspeed_stack_providers.one_model import OneModel
from lightspeed_stack_providers.onnx_embeddings.config import OnnxEmbeddingsConfig, half_the_cores
from lightspeed_stack_providers.onnx_embeddings.embedder import Embedder
from lightspeed_stack_providers.onnx_embeddings.folder import (
    EmbeddingModel,
    default_model,
    open_folder,
)


class OnnxEmbeddings(OneModel):
    """One embedding model for the stack.

    A request may say in the extra field `input_type` whether its texts are a `query` or a
    `passage` (the default), for models that were trained with different prefixes, and in the extra
    field `in_background` that nobody waits for them.
    """

    _does = "embeds texts"

    def __init__(self, config: OnnxEmbeddingsConfig) -> None:
        self._config = config
        self._model: EmbeddingModel
        self._embedder: Embedder

    async def initialize(self) -> None:
        """Find the model's files. Raises `BrokenModel`; they are loaded at the first request."""
        folder = self._config.model_dir
        self._model = default_model() if folder is None else open_folder(folder)
        self._name = self._config.model_name or self._model.name
        self._embedder = Embedder(
            self._model,
            threads=self._config.threads or half_the_cores(),
            batch_size=self._config.batch_size,
        )

    async def shutdown(self) -> None:
        """End the thread and let go of the model."""
        await self._embedder.close()

    async def health(self) -> HealthResponse:
        """Say whether the model could be loaded, as far as it was tried."""
        if failure := self._embedder.failure:
            return HealthResponse(status=HealthStatus.ERROR, message=failure)
        return HealthResponse(status=HealthStatus.OK)

    @override
    async def list_models(self) -> list[Model]:
        return [
            Model(
                identifier=self._name,
                provider_id=self.__provider_id__,
                provider_resource_id=self._name,
                model_type=ModelType.embedding,
                metadata=self._described(),
            )
        ]

    @override
    async def register_model(self, model: Model) -> Model:
        known = await super().register_model(model)
        return known.model_copy(update={"metadata": {**self._described(), **model.metadata}})

    async def token_count(self, model: str) -> TokenCount:
        """Say how the model reads passages."""
        if model != self._name:
            raise ModelNotFoundError(model)
        return await asyncio.to_thread(self._load_count)

    @override
    async def openai_embeddings(
        self, params: OpenAIEmbeddingsRequestWithExtraBody
    ) -> OpenAIEmbeddingsResponse:
        in_background = (params.model_extra or {}).get("in_background") is True
        embedded = await self._embedder.embed(
            self._prefixed_texts(params), in_background=in_background
        )
        return OpenAIEmbeddingsResponse(
            model=params.model,
            data=[
                OpenAIEmbeddingData(
                    index=index,
                    embedding=_base64(vector) if params.encoding_format == "base64" else vector,
                )
                for index, vector in enumerate(embedded.vectors)
            ],
            usage=OpenAIEmbeddingUsage(prompt_tokens=embedded.tokens, total_tokens=embedded.tokens),
        )

    def _load_count(self) -> TokenCount:
        # An import of its own: a stack that takes no documents in does not load the tokenizer.
        module = importlib.import_module("lightspeed_stack_providers.onnx_embeddings.counter")
        counted: TokenCount = module.token_count(self._model)
        return counted

    def _described(self) -> dict[str, Any]:
        spec = self._model.spec
        return {"embedding_dimension": spec.dimension, "context_length": spec.max_length}

    def _prefixed_texts(self, params: OpenAIEmbeddingsRequestWithExtraBody) -> list[str]:
        if params.model != self._name:
            raise ModelNotFoundError(params.model)
        spec = self._model.spec
        if params.dimensions not in (None, spec.dimension):
            raise InvalidParameterError(
                "dimensions", params.dimensions, f"{self._name} has {spec.dimension}."
            )
        validate_embeddings_input_is_text(params)
        texts = [params.input] if isinstance(params.input, str) else params.input
        prefix = _prefix(spec.query_prefix, spec.passage_prefix, params)
        return [f"{prefix}{text}" for text in texts]


def _prefix(query: str, passage: str, params: OpenAIEmbeddingsRequestWithExtraBody) -> str:
    prefixes = {"query": query, "passage": passage}
    input_type = (params.model_extra or {}).get("input_type", "passage")
    if input_type not in prefixes:
        raise InvalidParameterError("input_type", input_type, "It is query or passage.")
    return prefixes[input_type]


def _base64(vector: Sequence[float]) -> str:
    """Encode as OpenAI does: little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
