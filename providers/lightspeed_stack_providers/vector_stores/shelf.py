"""The port between the vector_io API and what holds stores, documents and chunks."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from llama_stack_api import EmbeddedChunk

from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.records import Document, SourceText, Store

type Found = list[tuple[EmbeddedChunk, float]]


class Shelf(Protocol):
    """Where stores lie. Each method is one transaction: all of it is done, or nothing.

    Methods that take a `store_id` raise `VectorStoreNotFoundError` when there is no such store,
    and all of them an error of the stack with status 503 when the ground does not bear.
    """

    async def open(self) -> None:
        """Look at the ground, and go on with what an earlier process left undone."""
        ...

    async def stores(self) -> list[Store]:
        """List the stores in the order of their creation."""
        ...

    async def store(self, store_id: str) -> Store:
        """Look a store up."""
        ...

    async def keep_store(self, store_id: str, *, name: str, model: str, dimension: int) -> Store:
        """Make a store, or find it as it was; one without a vector takes the model on."""
        ...

    async def change_store(
        self,
        store_id: str,
        *,
        name: str | None,
        metadata: Mapping[str, Any] | None,
        expires_at: int | None,
    ) -> Store:
        """Rename a store, replace its metadata or let it expire; None changes nothing."""
        ...

    async def remove_store(self, store_id: str) -> bool:
        """Remove a store with all that it holds; say whether it was there."""
        ...

    async def replace_store(self, store_id: str, *, by: str) -> None:
        """Let a store serve what another one holds, which is gone then.

        The first keeps its id, name, age and attributes.
        """
        ...

    async def insert(self, store_id: str, chunks: Sequence[EmbeddedChunk]) -> None:
        """Store chunks with their documents.

        Raises `InvalidParameterError`, and `ConflictError` for chunks of a version of a document
        that was replaced.
        """
        ...

    async def remove_chunks(self, store_id: str, chunk_ids: Sequence[str]) -> None:
        """Remove chunks, and documents that lose their last one; unknown ones are ignored."""
        ...

    async def remove_document(self, store_id: str, document_id: str) -> bool:
        """Remove a document with its chunks; say whether it was there."""
        ...

    async def documents(self, store_id: str) -> tuple[Store, list[Document]]:
        """Give a store with its documents in the order of their first arrival."""
        ...

    async def document(self, store_id: str, document_id: str) -> Document | None:
        """Look a document up."""
        ...

    async def source_text(self, store_id: str, document_id: str) -> SourceText | None:
        """Read the whole text of a document; None where only its chunks are known."""
        ...

    async def chunks(self, store_id: str, document_id: str) -> list[EmbeddedChunk]:
        """Read the chunks of a document in the order of its text, as far as that is known."""
        ...

    async def search(self, query: SearchQuery) -> Found | None:
        """Find chunks with scores in [0, 1], best first.

        None when the store is not the one any more for which the question was embedded. Raises
        `InvalidParameterError`.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; harmless when repeated."""
        ...
