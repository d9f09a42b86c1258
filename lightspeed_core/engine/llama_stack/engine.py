"""The `Engine` over a Llama Stack that boots while the service already listens.

It knows neither how a stack is opened nor how it is called; both are parts that it is given.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, override

from lightspeed_core.domain.messages import Message
from lightspeed_core.domain.retrieval import Chunk, RagChunk, SourceDocument
from lightspeed_core.engine.llama_stack import (
    catalog,
    chat,
    embeddings,
    retrieval,
    safety,
    stored_documents,
    vector_stores,
)
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.llama_stack.verify import verify
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import (
    BootStage,
    BootStatus,
    ChatDelta,
    ChatRequest,
    EmbeddingPurpose,
    EmbeddingReach,
    ModelInfo,
    NewVectorStore,
    ProviderHealth,
    ProviderInfo,
    SearchMode,
    ShieldInfo,
    ShieldVerdict,
    StoredDocument,
    VectorStoreInfo,
    VectorStoreState,
)
from lightspeed_core.errors import EngineUnavailable, LightspeedError

HEALTH_SECONDS = 5.0
# To boot inside this process costs all who are served there; a server is just asked again.
LIBRARY_PAUSE_SECONDS = 5.0

logger = logging.getLogger(__name__)

type OpenStack = Callable[[EngineSettings, Callable[[BootStage], None]], Awaitable[Stack]]


class LlamaStackEngine(Engine):
    """Llama Stack as the service sees it."""

    def __init__(
        self,
        settings: EngineSettings,
        open_stack: OpenStack,
        *,
        library_pause: float = LIBRARY_PAUSE_SECONDS,
    ) -> None:
        self._settings = settings
        self._open_stack = open_stack
        self._status = BootStatus(stage=BootStage.STARTING)
        self._settled = asyncio.Event()
        self._stack: Stack | None = None
        self._health: tuple[float, list[ProviderHealth]] | None = None
        self._asking = asyncio.Lock()
        self._heals = settings.allow_degraded_mode
        self._healing = asyncio.Lock()
        self._pause = library_pause if settings.library_mode else 0.0
        self._attempted_at = 0.0

    async def start(self) -> None:
        """Boot. In degraded mode an unreachable stack is no error; `status` tells of it."""
        began = time.monotonic()
        try:
            await self._boot(self._settings)
        except EngineUnavailable as exc:
            if not self._settings.allow_degraded_mode:
                raise
            logger.warning("engine started in degraded mode: %s", exc.cause)
        else:
            logger.info("engine booted seconds=%.2f", time.monotonic() - began)
        finally:
            self._attempted_at = time.monotonic()
            self._settled.set()

    @override
    async def close(self) -> None:
        stack, self._stack, self._heals = self._stack, None, False
        if self._status.stage is not BootStage.FAILED:
            self._status = BootStatus(stage=BootStage.FAILED, error="Llama Stack is shut down")
        self._settled.set()
        if stack is not None:
            await stack.close()

    @override
    def status(self) -> BootStatus:
        return self._status

    @override
    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        stack = await self._ready()
        async with aclosing(chat.chat(stack, request)) as deltas:
            async for delta in deltas:
                yield delta

    @override
    async def embed(
        self, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
    ) -> list[list[float]]:
        return await embeddings.embed(await self._ready(), texts, model=model, purpose=purpose)

    @override
    async def embedding_reach(self, model: str) -> EmbeddingReach:
        return await embeddings.embedding_reach(await self._ready(), model)

    @override
    async def search(
        self,
        store_id: str,
        query: str,
        *,
        limit: int,
        mode: SearchMode | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> list[RagChunk]:
        stack = await self._ready()
        return await retrieval.search(
            stack, store_id, query, limit=limit, mode=mode, filters=filters
        )

    @override
    async def insert_document(
        self,
        store_id: str,
        document: SourceDocument,
        chunks: Sequence[Chunk],
        *,
        embedding_model: str | None = None,
        is_whole: bool = False,
    ) -> None:
        await stored_documents.insert_document(
            await self._ready(),
            store_id,
            document,
            chunks,
            embedding_model=embedding_model,
            is_whole=is_whole,
        )

    @override
    async def delete_document(self, store_id: str, document_id: str) -> None:
        await stored_documents.delete_document(await self._ready(), store_id, document_id)

    @override
    async def documents(self, store_id: str) -> list[StoredDocument]:
        return await stored_documents.documents(await self._ready(), store_id)

    @override
    async def document_chunks(self, store_id: str, document_id: str) -> list[Chunk]:
        return await stored_documents.document_chunks(await self._ready(), store_id, document_id)

    @override
    async def source_document(self, store_id: str, document_id: str) -> SourceDocument:
        return await stored_documents.source_document(await self._ready(), store_id, document_id)

    @override
    async def vector_stores(self, *, unfinished: bool = False) -> list[VectorStoreInfo]:
        return await vector_stores.vector_stores(await self._ready(), unfinished=unfinished)

    @override
    async def vector_store(self, store_id: str) -> VectorStoreState:
        return await vector_stores.vector_store(await self._ready(), store_id)

    @override
    async def create_vector_store(self, new: NewVectorStore) -> VectorStoreInfo:
        return await vector_stores.create_vector_store(await self._ready(), new)

    @override
    async def update_vector_store(
        self,
        store_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expires_at: int | None = None,
    ) -> VectorStoreState:
        return await vector_stores.update_vector_store(
            await self._ready(), store_id, name=name, metadata=metadata, expires_at=expires_at
        )

    @override
    async def delete_vector_store(self, store_id: str) -> bool:
        return await vector_stores.delete_vector_store(await self._ready(), store_id)

    @override
    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        await vector_stores.replace_vector_store(await self._ready(), store_id, by=by)

    @override
    async def run_shield(self, shield_id: str, messages: Sequence[Message]) -> ShieldVerdict:
        return await safety.run_shield(await self._ready(), shield_id, messages)

    @override
    async def models(self) -> list[ModelInfo]:
        return await catalog.models(await self._ready())

    @override
    async def shields(self) -> list[ShieldInfo]:
        return await catalog.shields(await self._ready())

    @override
    async def providers(self) -> list[ProviderInfo]:
        return await catalog.providers(await self._ready())

    @override
    async def health(self) -> list[ProviderHealth]:
        stack = await self._ready()
        async with self._asking:
            now = time.monotonic()
            if self._health is None or now - self._health[0] > HEALTH_SECONDS:
                with translated():
                    self._health = (now, await stack.health())
            return list(self._health[1])

    @override
    async def version(self) -> str:
        stack = await self._ready()
        with translated():
            return await stack.version()

    async def _boot(self, settings: EngineSettings) -> None:
        stack: Stack | None = None
        try:
            stack = await self._open_stack(settings, self._report)
            self._report(BootStage.VERIFYING)
            await verify(stack, settings.relies_on)
        except BaseException as exc:
            # An attempt that was cancelled with its caller tells nothing new.
            reason = self._status.error or repr(exc)
            if isinstance(exc, LightspeedError):
                reason = exc.cause
            self._status = BootStatus(stage=BootStage.FAILED, error=reason)
            if stack is not None:
                await stack.close()
            raise
        self._stack = stack
        self._report(BootStage.READY)

    def _report(self, stage: BootStage) -> None:
        # Who looks on while an attempt to heal runs shall not see another boot.
        if stage is BootStage.READY or self._status.stage is not BootStage.FAILED:
            self._status = BootStatus(stage=stage)

    async def _ready(self) -> Stack:
        """Give the booted stack, waiting for it no longer than the configured time."""
        if self._stack is not None:
            return self._stack
        wait = self._settings.boot_wait_seconds
        try:
            await asyncio.wait_for(self._settled.wait(), wait)
        except TimeoutError as exc:
            stage = self._status.stage
            raise EngineUnavailable(f"Llama Stack is still {stage}", retry_after=wait) from exc
        if self._stack is None and self._heals:
            await self._heal()
        if self._stack is None:
            raise EngineUnavailable(self._status.error or "Llama Stack did not boot")
        return self._stack

    async def _heal(self) -> None:
        """Try once to have what was away at the start; callers at one time share an attempt."""
        called_at = time.monotonic()
        async with self._healing:
            since = called_at - self._attempted_at
            # Negative for who waited while another one tried.
            if self._stack is not None or since < self._pause:
                return
            try:
                await self._boot(replace(self._settings, max_retries=0))
            except LightspeedError as exc:
                logger.info("engine is still unavailable: %s", exc.cause)
            else:
                logger.info("engine left degraded mode")
            self._attempted_at = time.monotonic()
