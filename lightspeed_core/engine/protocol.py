"""The `Engine` protocol: one port, two implementations (in-process and remote).

Every method but `start`, `close` and `status` waits for the boot, bounded by the configured
time, and raises `EngineUnavailable` when the boot has failed or takes longer.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from lightspeed_core.domain.messages import Message
from lightspeed_core.domain.retrieval import Chunk, RagChunk, SourceDocument
from lightspeed_core.engine.types import (
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


class Engine(Protocol):
    """What the service needs of Llama Stack."""

    async def start(self) -> None:
        """Boot. Raises `ConfigurationError` or `EngineUnavailable`; `status` then tells why."""
        ...

    async def close(self) -> None:
        """Shut down, leaving no task and no thread; harmless when repeated."""
        ...

    def status(self) -> BootStatus:
        """Say how far the boot has come; never waits."""
        ...

    def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Call a model, always streamed.

        The iterator's first delta is empty and means that the model accepted the request.
        Raises `NotFound`, `PromptTooLong`, `QuotaExceeded`, `EngineUnavailable` before it, and
        `EngineUnavailable` or `EngineFailed` after it. Closing the iterator ends the call
        upstream.
        """
        ...

    async def embed(
        self, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
    ) -> list[list[float]]:
        """Embed texts; one vector each, in their order."""
        ...

    async def embedding_reach(self, model: str) -> EmbeddingReach:
        """Tell how far a model reads; of an unknown one nothing is known."""
        ...

    async def search(
        self,
        store_id: str,
        query: str,
        *,
        limit: int,
        mode: SearchMode | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> list[RagChunk]:
        """Find chunks, best first. Without a mode the best one that the store serves is used.

        `filters` has the form of OpenAI's attribute filters. Raises `NotFound` for an unknown
        store.
        """
        ...

    async def insert_document(
        self,
        store_id: str,
        document: SourceDocument,
        chunks: Sequence[Chunk],
        *,
        embedding_model: str | None = None,
        is_whole: bool = False,
    ) -> None:
        """Store a document with its chunks; an older version of it disappears in the same step.

        Inserting the same version again adds the vectors that it lacked; where it `is_whole`, what
        else is stored of the document disappears in that step too, as when it is cut otherwise. A
        store that keeps chunks alone needs two steps: between them a search may find both versions.
        `embedding_model` is the one that made the vectors, without it the store's. Raises
        `InvalidRequest` when the store holds vectors of another one, `Conflict` when a newer
        version of the document is stored.
        """
        ...

    async def delete_document(self, store_id: str, document_id: str) -> None:
        """Remove a document and its chunks; harmless when it is not there."""
        ...

    async def documents(self, store_id: str) -> list[StoredDocument]:
        """List the documents of a store."""
        ...

    async def document_chunks(self, store_id: str, document_id: str) -> list[Chunk]:
        """Read a document's chunks with their vectors, in the order of its text.

        Raises `NotFound`, and `InvalidRequest` for a store that keeps no documents.
        """
        ...

    async def source_document(self, store_id: str, document_id: str) -> SourceDocument:
        """Read a document as it was stored.

        Raises `NotFound`, also where only chunks are known, and `InvalidRequest` for a store that
        keeps no documents.
        """
        ...

    async def vector_stores(self, *, unfinished: bool = False) -> list[VectorStoreInfo]:
        """List the vector stores: those of run.yaml in its order, then those made at run time.

        A store that is being built to take another one's place is listed where `unfinished` is
        asked for, and then nothing else is.
        """
        ...

    async def create_vector_store(self, new: NewVectorStore) -> VectorStoreInfo:
        """Make a store, which outlives a restart.

        Raises `NotFound` for an unknown embedding model, `Conflict` for an id that is taken and
        `InvalidRequest` for a provider or dimension that cannot be, or where the choice is open.
        """
        ...

    async def update_vector_store(
        self,
        store_id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        expires_at: int | None = None,
    ) -> VectorStoreState:
        """Rename a store, replace its metadata or let it expire; None changes nothing.

        Raises `NotFound`, and `InvalidRequest` for a store that cannot expire.
        """
        ...

    async def delete_vector_store(self, store_id: str) -> bool:
        """Remove a store with all that it holds; say whether it was there."""
        ...

    async def replace_vector_store(self, store_id: str, *, by: str) -> None:
        """Let a store serve what another one holds, with its embedding model; `by` is gone then.

        A search sees the one or the other, never a mix. Raises `NotFound`, and `InvalidRequest`
        for stores that cannot be exchanged.
        """
        ...

    async def vector_store(self, store_id: str) -> VectorStoreState:
        """Ask a vector store about itself. Raises `NotFound` for an unknown one."""
        ...

    async def run_shield(self, shield_id: str, messages: Sequence[Message]) -> ShieldVerdict:
        """Ask a shield about the last of the messages. Raises `NotFound` for an unknown one."""
        ...

    async def models(self) -> list[ModelInfo]:
        """List the models, in the order of run.yaml's providers."""
        ...

    async def shields(self) -> list[ShieldInfo]:
        """List the shields."""
        ...

    async def providers(self) -> list[ProviderInfo]:
        """List the providers."""
        ...

    async def health(self) -> list[ProviderHealth]:
        """Ask every provider, really; one entry each. Cached for a few seconds."""
        ...

    async def version(self) -> str:
        """Tell the version of Llama Stack."""
        ...
