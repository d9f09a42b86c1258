"""An `Engine` in memory for tests of what stands above the port.

It keeps every promise of the protocol (empty first delta, whole tool calls, `NotFound` for
what is unknown) and answers with what the test wrote beforehand. It knows no Llama Stack.
"""

import asyncio
import hashlib
import math
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lightspeed_core.domain.messages import Message, Role, TokenUsage
from lightspeed_core.domain.retrieval import Chunk, RagChunk, SourceDocument
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.engine.types import (
    UNFINISHED_SUFFIX,
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
from lightspeed_core.errors import (
    Conflict,
    EngineUnavailable,
    InvalidRequest,
    LightspeedError,
    NotFound,
)

type Step = ChatDelta | asyncio.Event | Exception
"""Yield the delta, wait for the event, or raise: an answer is played step by step."""

ACCEPTED = ChatDelta()
"""The empty first delta; written out only where a step must come between it and the text."""

DEFAULT_MODEL = "scripted/model"
EMBEDDING_MODEL = "scripted/embedding"
EMBEDDING_DIMENSION = 64


def says(*tokens: str, usage: TokenUsage | None = None, finish: str = "stop") -> list[Step]:
    """Answer with a text, one delta per token."""
    counted = usage or TokenUsage(input_tokens=7, output_tokens=len(tokens))
    return [
        *(ChatDelta(tokens=(token,)) for token in tokens),
        ChatDelta(finish_reason=finish, usage=counted),
    ]


def calls(*tool_calls: ToolCall, text: str = "") -> list[Step]:
    """Answer with tool calls, after a text where one is given."""
    usage = TokenUsage(input_tokens=7, output_tokens=3)
    end = ChatDelta(tool_calls=tool_calls, finish_reason="tool_calls", usage=usage)
    return [ChatDelta(tokens=(text,)), end] if text else [end]


def refuses(error: Exception) -> list[Step]:
    """Fail before the model accepted the request."""
    return [error]


def breaks(error: Exception, *tokens: str) -> list[Step]:
    """Accept, say some tokens, then fail."""
    return [ACCEPTED, *(ChatDelta(tokens=(token,)) for token in tokens), error]


def words_of(text: str) -> list[str]:
    """Split a text into lower-case words."""
    return re.findall(r"\w+", text.lower())


@dataclass
class ScriptedShield:
    """A shield that blocks a message containing one of its words, or whatever `judge` blocks."""

    info: ShieldInfo
    words: frozenset[str] = frozenset()
    text: str = "This cannot be answered."
    judge: Callable[[Sequence[Message]], ShieldVerdict] | None = None
    gate: asyncio.Event | None = None
    error: Exception | None = None

    async def run(self, messages: Sequence[Message]) -> ShieldVerdict:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.judge is not None:
            return self.judge(messages)
        if self.words.isdisjoint(words_of(messages[-1].content)):
            return ShieldVerdict(blocked=False)
        return ShieldVerdict(blocked=True, text=self.text)


@dataclass
class ScriptedStore:
    """A vector store in memory; its search counts the words of the query that a chunk has."""

    info: VectorStoreInfo
    error: Exception | None = None
    sources: dict[str, SourceDocument] = field(default_factory=dict[str, SourceDocument])
    chunks: dict[str, dict[str, Chunk]] = field(default_factory=dict[str, dict[str, Chunk]])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    expires_at: int | None = None

    def insert(
        self, document: SourceDocument, chunks: Sequence[Chunk], *, is_whole: bool = False
    ) -> None:
        older = self.sources.get(document.document_id)
        if is_whole or older is None or older.content_hash != document.content_hash:
            self.chunks[document.document_id] = {}
        self.sources[document.document_id] = document
        self.chunks[document.document_id].update({chunk.chunk_id: chunk for chunk in chunks})

    def delete(self, document_id: str) -> None:
        self.sources.pop(document_id, None)
        self.chunks.pop(document_id, None)

    def documents(self) -> list[StoredDocument]:
        return [
            StoredDocument(
                document_id=document.document_id,
                content_hash=document.content_hash,
                chunks=len(chunks := self.chunks[document.document_id]),
                pending=sum(chunk.vector is None for chunk in chunks.values()),
            )
            for document in self.sources.values()
        ]

    def search(self, query: str, filters: Mapping[str, Any] | None) -> Iterable[RagChunk]:
        wanted = set(words_of(query))
        for document in self.sources.values():
            if not _passes(document, filters):
                continue
            for chunk in self.chunks[document.document_id].values():
                hits = len(wanted.intersection(words_of(chunk.content)))
                if hits:
                    yield self._found(document, chunk, hits / len(wanted))

    def _found(self, document: SourceDocument, chunk: Chunk, score: float) -> RagChunk:
        return RagChunk(
            chunk_id=chunk.chunk_id,
            document_id=document.document_id,
            content=chunk.content,
            score=score,
            store_id=self.info.store_id,
            source=document.source or self.info.name,
            title=document.title,
            url=document.url,
            content_hash=document.content_hash,
            start=chunk.start,
            end=chunk.end,
            attributes={"heading": chunk.heading} if chunk.heading else {},
        )


def _passes(document: SourceDocument, filters: Mapping[str, Any] | None) -> bool:
    if filters is None:
        return True
    if filters["type"] != "eq":
        raise NotImplementedError("the scripted store knows the filter `eq` only")
    return getattr(document, filters["key"], None) == filters["value"]


def _default_models() -> list[ModelInfo]:
    return [
        ModelInfo(
            identifier=DEFAULT_MODEL,
            provider_id="scripted",
            provider_resource_id="model",
            model_type="llm",
        ),
        ModelInfo(
            identifier=EMBEDDING_MODEL,
            provider_id="scripted",
            provider_resource_id="embedding",
            model_type="embedding",
            metadata={"embedding_dimension": EMBEDDING_DIMENSION},
        ),
    ]


def _default_providers() -> list[ProviderInfo]:
    return [
        ProviderInfo(provider_id="scripted", provider_type="inline::scripted", api="inference"),
        ProviderInfo(provider_id="memory", provider_type="inline::memory", api="vector_io"),
    ]


def _default_health() -> list[ProviderHealth]:
    return [
        ProviderHealth(provider_id="scripted", status="OK"),
        ProviderHealth(provider_id="memory", status="OK"),
    ]


def store_info(store_id: str, name: str | None = None) -> VectorStoreInfo:
    """Describe a store that serves every mode and takes pending chunks."""
    return VectorStoreInfo(
        store_id=store_id,
        name=name or store_id,
        provider_id="memory",
        embedding_model=EMBEDDING_MODEL,
        embedding_dimension=EMBEDDING_DIMENSION,
        modes=frozenset(SearchMode),
        takes_pending_chunks=True,
    )


@dataclass
class ScriptedEngine:
    """Plays the scripts given to `will` in their order, then echoes the last message.

    `chats` records the requests, `ended` the number of chat iterators that were finished or
    closed, `searches` and `shield_runs` what was asked. `down` makes every call raise.
    """

    model_list: list[ModelInfo] = field(default_factory=_default_models)
    provider_list: list[ProviderInfo] = field(default_factory=_default_providers)
    health_list: list[ProviderHealth] = field(default_factory=_default_health)
    stack_version: str = "0.7.3"
    boot: BootStatus = field(default_factory=lambda: BootStatus(stage=BootStage.READY))
    down: LightspeedError | None = None
    chats: list[ChatRequest] = field(default_factory=list[ChatRequest])
    searches: list[tuple[str, str, int, SearchMode | None]] = field(
        default_factory=list[tuple[str, str, int, SearchMode | None]]
    )
    shield_runs: list[tuple[str, tuple[Message, ...]]] = field(
        default_factory=list[tuple[str, tuple[Message, ...]]]
    )
    embedded: list[tuple[str, EmbeddingPurpose]] = field(
        default_factory=list[tuple[str, EmbeddingPurpose]]
    )
    reach: EmbeddingReach = field(default_factory=EmbeddingReach)
    ended: int = 0
    is_closed: bool = False
    _scripts: deque[Sequence[Step]] = field(default_factory=deque[Sequence[Step]])
    _stores: dict[str, ScriptedStore] = field(default_factory=dict[str, ScriptedStore])
    _shields: dict[str, ScriptedShield] = field(default_factory=dict[str, ScriptedShield])

    def will(self, *scripts: Sequence[Step]) -> "ScriptedEngine":
        """Queue answers, one per model call."""
        self._scripts.extend(scripts)
        return self

    def add_store(self, info: VectorStoreInfo) -> ScriptedStore:
        """Make a vector store known."""
        return self._stores.setdefault(info.store_id, ScriptedStore(info=info))

    def add_shield(self, shield_id: str, *words: str, text: str | None = None) -> ScriptedShield:
        """Make a shield known that blocks messages with one of the words."""
        info = ShieldInfo(identifier=shield_id, provider_id="rules", provider_resource_id=shield_id)
        shield = ScriptedShield(info=info, words=frozenset(words))
        shield.text = text if text is not None else shield.text
        self._shields[shield_id] = shield
        return shield

    async def start(self) -> None:
        if self.boot.stage is BootStage.FAILED:
            raise EngineUnavailable(self.boot.error or "the boot failed")
        self.boot = BootStatus(stage=BootStage.READY)

    async def close(self) -> None:
        self.is_closed = True

    def status(self) -> BootStatus:
        return self.boot

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        self._require_up()
        self.chats.append(request)
        if request.model not in {
            model.identifier for model in self.model_list if model.model_type == "llm"
        }:
            raise NotFound("model", request.model)
        script = self._scripts.popleft() if self._scripts else _echo(request)
        try:
            async for delta in _play(script):
                yield delta
        finally:
            self.ended += 1

    async def embed(
        self, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
    ) -> list[list[float]]:
        self._require_up()
        if model not in {each.identifier for each in self.model_list}:
            raise NotFound("model", model)
        self.embedded.extend((text, purpose) for text in texts)
        return [embedding_of(text) for text in texts]

    async def embedding_reach(self, model: str) -> EmbeddingReach:
        del model
        return self.reach

    async def search(
        self,
        store_id: str,
        query: str,
        *,
        limit: int,
        mode: SearchMode | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> list[RagChunk]:
        store = self._store(store_id)
        self.searches.append((store_id, query, limit, mode))
        if store.error is not None:
            raise store.error
        found = store.search(query, filters)
        return sorted(found, key=lambda chunk: chunk.score or 0.0, reverse=True)[:limit]

    async def insert_document(
        self,
        store_id: str,
        document: SourceDocument,
        chunks: Sequence[Chunk],
        *,
        embedding_model: str | None = None,
        is_whole: bool = False,
    ) -> None:
        store = self._store(store_id)
        if embedding_model not in {None, store.info.embedding_model}:
            raise InvalidRequest("Invalid request", f"not the model of {store_id}")
        store.insert(document, chunks, is_whole=is_whole)

    async def delete_document(self, store_id: str, document_id: str) -> None:
        self._store(store_id).delete(document_id)

    async def documents(self, store_id: str) -> list[StoredDocument]:
        return self._store(store_id).documents()

    async def document_chunks(self, store_id: str, document_id: str) -> list[Chunk]:
        await self.source_document(store_id, document_id)
        chunks = self._store(store_id).chunks[document_id].values()
        return sorted(chunks, key=lambda chunk: chunk.start)

    async def source_document(self, store_id: str, document_id: str) -> SourceDocument:
        sources = self._store(store_id).sources
        if document_id not in sources:
            raise NotFound("document", document_id)
        return sources[document_id]

    async def vector_stores(self, *, unfinished: bool = False) -> list[VectorStoreInfo]:
        self._require_up()
        return [
            store.info
            for store in self._stores.values()
            if store.info.store_id.endswith(UNFINISHED_SUFFIX) == unfinished
        ]

    async def vector_store(self, store_id: str) -> VectorStoreState:
        store = self._store(store_id)
        return VectorStoreState(
            store_id=store_id,
            name=store.info.name,
            created_at=1763391371,
            expires_at=store.expires_at,
            metadata=store.metadata,
        )

    async def create_vector_store(self, new: NewVectorStore) -> VectorStoreInfo:
        self._require_up()
        store_id = new.store_id or f"vs_{len(self._stores)}"
        model = new.embedding_model or EMBEDDING_MODEL
        if store_id in self._stores:
            raise Conflict.of_name("vector store", store_id)
        if model not in {each.identifier for each in self.model_list}:
            raise NotFound("model", model)
        info = replace(store_info(store_id, new.name), embedding_model=model)
        self.add_store(info).metadata = new.metadata
        return info

    async def update_vector_store(
        self,
        store_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expires_at: int | None = None,
    ) -> VectorStoreState:
        store = self._store(store_id)
        store.info = replace(store.info, name=name or store.info.name)
        store.metadata = store.metadata if metadata is None else metadata
        store.expires_at = expires_at or store.expires_at
        return await self.vector_store(store_id)

    async def delete_vector_store(self, store_id: str) -> bool:
        self._require_up()
        return self._stores.pop(store_id, None) is not None

    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        replaced, successor = self._store(store_id), self._store(by)
        del self._stores[by]
        successor.info = replace(successor.info, store_id=store_id, name=replaced.info.name)
        successor.metadata, successor.expires_at = replaced.metadata, replaced.expires_at
        self._stores[store_id] = successor

    async def run_shield(self, shield_id: str, messages: Sequence[Message]) -> ShieldVerdict:
        self._require_up()
        if shield_id not in self._shields:
            raise NotFound("shield", shield_id)
        self.shield_runs.append((shield_id, tuple(messages)))
        return await self._shields[shield_id].run(messages)

    async def models(self) -> list[ModelInfo]:
        self._require_up()
        return list(self.model_list)

    async def shields(self) -> list[ShieldInfo]:
        self._require_up()
        return [shield.info for shield in self._shields.values()]

    async def providers(self) -> list[ProviderInfo]:
        self._require_up()
        return list(self.provider_list)

    async def health(self) -> list[ProviderHealth]:
        self._require_up()
        return list(self.health_list)

    async def version(self) -> str:
        self._require_up()
        return self.stack_version

    def _require_up(self) -> None:
        if self.down is not None:
            raise self.down
        if self.boot.stage is not BootStage.READY:
            raise EngineUnavailable(self.boot.error or f"Llama Stack is {self.boot.stage}")

    def _store(self, store_id: str) -> ScriptedStore:
        self._require_up()
        if store_id not in self._stores:
            raise NotFound("vector store", store_id)
        return self._stores[store_id]


def embedding_of(text: str) -> list[float]:
    """Hash the words of a text into a unit vector."""
    vector = [0.0] * EMBEDDING_DIMENSION
    for word in words_of(text):
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4]) % EMBEDDING_DIMENSION] += 1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def _echo(request: ChatRequest) -> list[Step]:
    asked = [message for message in request.messages if message.role is Role.USER]
    text = f"echo: {asked[-1].content if asked else ''}"
    return says(*re.findall(r"\S+\s*", text))


async def _play(script: Sequence[Step]) -> AsyncGenerator[ChatDelta]:
    accepted = False
    for step in script:
        match step:
            case asyncio.Event():
                await step.wait()
            case Exception():
                raise step
            case ChatDelta():
                if not accepted and step != ACCEPTED:
                    yield ACCEPTED
                accepted = True
                yield step
    if not accepted:
        yield ACCEPTED
