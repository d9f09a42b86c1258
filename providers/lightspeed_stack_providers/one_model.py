"""The stack's inference API as providers of one model have it; knows none of these."""

from collections.abc import AsyncIterator
from typing import ClassVar, override

from llama_stack_api import (
    InferenceProvider,
    Model,
    ModelNotFoundError,
    ModelsProtocolPrivate,
    OpenAIChatCompletion,
    OpenAIChatCompletionChunk,
    OpenAIChatCompletionChunkWithReasoning,
    OpenAIChatCompletionRequestWithExtraBody,
    OpenAIChatCompletionWithReasoning,
    OpenAICompletion,
    OpenAICompletionRequestWithExtraBody,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAIEmbeddingsResponse,
    RerankResponse,
)
from llama_stack_api.inference import RerankRequest


class OneModel(InferenceProvider, ModelsProtocolPrivate):
    """A provider whose one model is a matter of configuration; its kind overrides what it serves.

    `_does` is what the model does, as in "embeds texts".
    """

    __provider_id__: str
    _does: ClassVar[str]
    _name: str

    @override
    async def should_refresh_models(self) -> bool:
        return False

    @override
    async def register_model(self, model: Model) -> Model:
        if model.provider_resource_id != self._name:
            raise ModelNotFoundError(str(model.provider_resource_id))
        return model

    @override
    async def unregister_model(self, model_id: str) -> None:
        """Forget nothing: there is always the one model."""

    @override
    async def openai_chat_completion(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletion | AsyncIterator[OpenAIChatCompletionChunk]:
        raise self._refusal("chat")

    @override
    async def openai_chat_completions_with_reasoning(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletionWithReasoning | AsyncIterator[OpenAIChatCompletionChunkWithReasoning]:
        raise self._refusal("tell its reasoning")

    @override
    async def openai_completion(
        self, params: OpenAICompletionRequestWithExtraBody
    ) -> OpenAICompletion | AsyncIterator[OpenAICompletion]:
        raise self._refusal("complete bare prompts")

    @override
    async def openai_embeddings(
        self, params: OpenAIEmbeddingsRequestWithExtraBody
    ) -> OpenAIEmbeddingsResponse:
        raise self._refusal("embed texts")

    @override
    async def rerank(self, request: RerankRequest) -> RerankResponse:
        raise self._refusal("rank texts")

    def _refusal(self, wish: str) -> NotImplementedError:
        return NotImplementedError(f"{self._name} {self._does}; it does not {wish}")
