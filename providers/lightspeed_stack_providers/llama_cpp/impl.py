"""The stack's inference API, and the lean stream, over one model in a process of its own."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, cast, override

from llama_stack_api import (
    HealthResponse,
    HealthStatus,
    Model,
    ModelNotFoundError,
    ModelType,
    OpenAIChatCompletion,
    OpenAIChatCompletionChunk,
    OpenAIChatCompletionRequestWithExtraBody,
)

from lightspeed_stack_providers.failures import UpstreamModelUnknown, UpstreamUnreachable
from lightspeed_stack_providers.lean import LeanDelta
from lightspeed_stack_providers.llama_cpp.config import LlamaCppConfig
from lightspeed_stack_providers.llama_cpp.gguf import GgufFile
from lightspeed_stack_providers.llama_cpp.process import ModelProcess
from lightspeed_stack_providers.one_model import OneModel
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.impl import OpenAICompatible

_LOOK_SECONDS: Final = 0.05
_OF_TOOLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})


class LlamaCpp(OneModel):
    """One model from a GGUF file; raises `lightspeed_stack_providers.failures`."""

    _does = "chats"

    def __init__(self, config: LlamaCppConfig, file: GgufFile) -> None:
        self._config = config
        self._file = file
        self._context = min(config.context_size, file.trained_context or config.context_size)
        self._name = config.model_name or config.model_path.stem
        self._slots = asyncio.Semaphore(config.parallel)
        self._waiting = 0
        self._process: ModelProcess | None = None
        self._client: OpenAICompatible | None = None

    async def initialize(self) -> None:
        """Begin to load the model; the load goes on beside the boot. Harmless when repeated."""
        self._process = self._process or self._start()

    async def shutdown(self) -> None:
        """End the model's process and the thread that listens to it."""
        if self._client is not None:
            await self._client.shutdown()
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)

    async def health(self) -> HealthResponse:
        """Say whether the model answers, and how far its load has come."""
        process = self._process
        if process is None or process.failure is not None:
            reason = process.failure if process else "it was not started"
            return HealthResponse(status=HealthStatus.ERROR, message=f"{self._name}: {reason}")
        if process.address is None:
            told = f"{self._name}: loading {process.progress()} %"
            return HealthResponse(status=HealthStatus.ERROR, message=told)
        return HealthResponse(status=HealthStatus.OK)

    async def lean_chat(self, body: Mapping[str, Any]) -> AsyncGenerator[LeanDelta]:
        """Stream one chat completion; see `lightspeed_stack_providers.lean.LeanChat`."""
        if body.get("model") != self._name:
            raise UpstreamModelUnknown(f"{body.get('model')}: the only model is {self._name}")
        async with (
            self._turn() as client,
            aclosing(client.lean_chat(self._bounded(body))) as deltas,
        ):
            async for delta in deltas:
                yield delta

    @override
    async def openai_chat_completion(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> OpenAIChatCompletion | AsyncIterator[OpenAIChatCompletionChunk]:
        if params.model != self._name:
            raise ModelNotFoundError(params.model)
        body = self._bounded(params.model_dump(mode="json", exclude_none=True))
        bounded = OpenAIChatCompletionRequestWithExtraBody.model_validate(body)
        if params.stream:
            return self._chunks(bounded)
        async with self._turn() as client:
            return await client.openai_chat_completion(bounded)

    async def _chunks(
        self, params: OpenAIChatCompletionRequestWithExtraBody
    ) -> AsyncGenerator[OpenAIChatCompletionChunk]:
        async with self._turn() as client:
            answer = await client.openai_chat_completion(params)
            async with aclosing(
                cast("AsyncGenerator[OpenAIChatCompletionChunk]", answer)
            ) as chunks:
                async for chunk in chunks:
                    yield chunk

    def _bounded(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Hold the answer's length to the setting, and leave tools out that cannot be told."""
        bounded = dict(body)
        wanted = bounded.pop("max_completion_tokens", None) or bounded.get("max_tokens")
        most = self._config.max_tokens
        bounded["max_tokens"] = min(wanted, most) if wanted else most
        if not self._file.knows_tools:
            for name in _OF_TOOLS.intersection(bounded):
                del bounded[name]
        return bounded

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[OpenAICompatible]:
        """Wait for the model and for a free place. Raises `UpstreamUnreachable`."""
        if self._slots.locked() and self._waiting >= self._config.max_waiting:
            raise UpstreamUnreachable(f"{self._name}: {self._waiting} requests wait already")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield await self._loaded()
        finally:
            self._slots.release()

    async def _loaded(self) -> OpenAICompatible:
        process = self._process
        if process is None:
            raise UpstreamUnreachable(f"{self._name}: it was not started")
        if process.failure is not None and process.address is not None:
            process = await self._started_anew(process)
        while process.address is None:
            if process.failure is not None:
                raise UpstreamUnreachable(f"{self._name}: {process.failure}")
            await asyncio.sleep(_LOOK_SECONDS)
        if self._client is None:
            self._client = self._connect(process.address, process.key)
        return self._client

    async def _started_anew(self, ended: ModelProcess) -> ModelProcess:
        """Replace a process that had answered and then broke; one that never did stays down."""
        if self._process is not ended and self._process is not None:
            return self._process
        client, self._client = self._client, None
        self._process = self._start()
        if client is not None:
            await client.shutdown()
        await asyncio.to_thread(ended.stop)
        return self._process

    def _start(self) -> ModelProcess:
        return ModelProcess(self._config, self._file, os.environ, context=self._context)

    def _connect(self, address: str, key: str) -> OpenAICompatible:
        config = OpenAICompatibleConfig.model_validate(
            {
                "base_url": f"{address}/v1",
                "api_key": key,
                "discover_models": False,
                "idle_timeout": self._config.silence,
                # Its listener ends connections that it had promised to keep.
                "headers": {"connection": "close"},
                "max_retries": 0,
            }
        )
        return OpenAICompatible(config, is_local=True)

    @override
    async def list_models(self) -> list[Model]:
        return [
            Model(
                identifier=self._name,
                provider_id=self.__provider_id__,
                provider_resource_id=self._name,
                model_type=ModelType.llm,
                metadata={
                    "context_length": self._context,
                    "takes_images": False,
                    "calls_tools": self._file.knows_tools,
                },
            )
        ]
