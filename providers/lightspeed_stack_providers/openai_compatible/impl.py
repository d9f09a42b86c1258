"""The provider: the stack's inference protocol and the lean stream over one endpoint."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import ClientResponse
from llama_stack_api import (
    HealthResponse,
    HealthStatus,
    InferenceProvider,
    Model,
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

from lightspeed_stack_providers.failures import UpstreamFailure, UpstreamRejected
from lightspeed_stack_providers.lean import LeanDelta
from lightspeed_stack_providers.openai_compatible.catalog import (
    configured_models,
    discovered_models,
)
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.dialect import Dialect
from lightspeed_stack_providers.openai_compatible.endpoint import Endpoint
from lightspeed_stack_providers.openai_compatible.event_stream import EventStream
from lightspeed_stack_providers.openai_compatible.lean_stream import (
    is_json,
    lean_deltas,
    read_json,
    require_events,
)
from lightspeed_stack_providers.openai_compatible.refusals import read_refusal
from lightspeed_stack_providers.openai_compatible.stack_types import (
    chunk_of,
    completion_of,
    embeddings_of,
)

logger = logging.getLogger(__name__)

DISCOVERY_SECONDS = 3.0
# The stack gives up on a health check after one second.
HEALTH_SECONDS = 0.9
CHAT = "/chat/completions"
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


class OpenAICompatible(InferenceProvider, ModelsProtocolPrivate):
    """Inference over one endpoint; raises `lightspeed_stack_providers.failures`."""

    __provider_id__ = "openai_compatible"

    def __init__(self, config: OpenAICompatibleConfig, *, is_local: bool = False) -> None:
        self._config = config
        self._endpoint = Endpoint(config, is_local=is_local)
        self._dialect = Dialect()

    async def initialize(self) -> None:
        """Do nothing: connections are opened by the first request."""

    async def shutdown(self) -> None:
        """Close all connections."""
        await self._endpoint.close()

    async def lean_chat(self, body: Mapping[str, Any]) -> AsyncGenerator[LeanDelta]:
        """Stream one chat completion, see `lightspeed_stack_providers.lean`."""
        async with (
            await self._post_chat({**body, **STREAMED}) as response,
            aclosing(lean_deltas(response)) as deltas,
        ):
            async for delta in deltas:
                yield delta

    async def openai_chat_completion(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletion | AsyncIterator[OpenAIChatCompletionChunk]:
        """Complete a chat; streamed or whole, as the parameters ask."""
        body = params.model_dump(mode="json", exclude_none=True)
        if params.stream:
            response = await self._post_chat({**STREAMED, **body})
            return _chunks(response, params.model)
        async with await self._post_chat(body) as response:
            return completion_of(await read_json(response), params.model)

    async def openai_embeddings(
        self, params: OpenAIEmbeddingsRequestWithExtraBody
    ) -> OpenAIEmbeddingsResponse:
        """Embed texts."""
        body = params.model_dump(mode="json", exclude_none=True)
        is_one = isinstance(params.input, str) or isinstance(params.input[0], int)
        async with await self._endpoint.post("/embeddings", body) as response:
            answer = await read_json(response)
        return embeddings_of(answer, params.model, expected=1 if is_one else len(params.input))

    async def openai_completion(
        self, params: OpenAICompletionRequestWithExtraBody
    ) -> OpenAICompletion | AsyncIterator[OpenAICompletion]:
        """Refuse: the legacy operation is not part of what endpoints share."""
        raise NotImplementedError("only chat completions are supported")

    async def openai_chat_completions_with_reasoning(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletionWithReasoning | AsyncIterator[OpenAIChatCompletionChunkWithReasoning]:
        """Refuse: endpoints do not agree on how reasoning is told; the stack then does without."""
        raise NotImplementedError("reasoning is not extracted")

    async def rerank(self, request: RerankRequest) -> RerankResponse:
        """Refuse: endpoints share no such operation."""
        raise NotImplementedError("reranking is not supported")

    async def list_models(self) -> list[Model]:
        """List the configured models and, where wanted, those that the endpoint names."""
        models = configured_models(self._config, self.__provider_id__)
        if self._config.discover_models:
            models += await self._discover()
        return models

    async def should_refresh_models(self) -> bool:
        """Say no: the list is read once, at boot."""
        return False

    async def register_model(self, model: Model) -> Model:
        """Accept any name; the endpoint decides when it is used."""
        return model

    async def unregister_model(self, model_id: str) -> None:
        """Forget nothing, since nothing was kept."""

    async def health(self) -> HealthResponse:
        """Ask the endpoint for its models; one without such a list is healthy when it answers."""
        try:
            status, body = await self._endpoint.ask("/models", seconds=HEALTH_SECONDS)
        except UpstreamFailure as failure:
            return HealthResponse(status=HealthStatus.ERROR, message=str(failure))
        if status in {200, 404, 405, 429}:
            return HealthResponse(status=HealthStatus.OK)
        failure = read_refusal(status, {}, body).failure()
        return HealthResponse(status=HealthStatus.ERROR, message=str(failure))

    async def _discover(self) -> list[Model]:
        try:
            status, body = await self._endpoint.ask("/models", seconds=DISCOVERY_SECONDS)
        except UpstreamFailure as failure:
            reason = str(failure)
        else:
            if status == 200:
                return discovered_models(body, self._config, self.__provider_id__)
            reason = str(read_refusal(status, {}, body).failure())
        logger.warning(
            "models were not discovered, only the configured ones are listed",
            extra={"provider_id": self.__provider_id__, "reason": reason},
        )
        return []

    async def _post_chat(self, body: Mapping[str, Any]) -> ClientResponse:
        while True:
            adapted = self._dialect.adapt(body)
            try:
                return await self._endpoint.post(CHAT, adapted)
            except UpstreamRejected as refused:
                if not self._dialect.learn(adapted, refused):
                    raise


async def _chunks(
    response: ClientResponse, model: str
) -> AsyncGenerator[OpenAIChatCompletionChunk]:
    async with response:
        if is_json(response):
            yield chunk_of(await read_json(response), model)
            return
        require_events(response)
        stream = EventStream(response.content)
        while events := await stream.read():
            for event in events:
                chunk = chunk_of(event, model)
                stream.is_complete |= any(choice.finish_reason for choice in chunk.choices)
                yield chunk
        await stream.drain()
