"""Brings single documents into a vector store, through the engine port alone.

A new document's text comes first, so that keywords find it while vectors are still computed. A
changed one stays as it was until its new version is whole, and keeps the vectors of its unchanged
chunks.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any, Final

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose, StoredDocument, VectorStoreInfo
from lightspeed_core.errors import InvalidRequest, NotFound
from lightspeed_core.ingest.chunk import MAX_TOKENS, chunk_document, embedding_text
from lightspeed_core.ingest.sizes import Sizes

logger = logging.getLogger(__name__)

# A larger batch costs memory and gains no speed.
_EMBEDDING_BATCH: Final = 4
# Vectors of a new document that a crash may cost.
_INSERTED_AT_ONCE: Final = 64

type OnEmbedded = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it will be stored; chunks without a vector are still to be embedded.

    `replaces` says that the store holds it cut otherwise, which it does not find out by itself.
    """

    document: SourceDocument
    chunks: tuple[Chunk, ...]
    is_new: bool
    replaces: bool = False

    @property
    def lacking(self) -> int:
        """How many chunks are still to be embedded."""
        return sum(chunk.vector is None for chunk in self.chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a document is cut, and what is kept with each of its chunks."""

    max_tokens: int = MAX_TOKENS
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


class DocumentWriter:
    """Writes documents to one store, which held `held` at the beginning."""

    def __init__(
        self, engine: Engine, store: VectorStoreInfo, held: Mapping[str, StoredDocument]
    ) -> None:
        self._engine = engine
        self._store = store
        self._held = held
        self._sizes: Sizes | None = None

    async def draft(
        self, document: SourceDocument, manner: Manner | None = None, *, is_redone: bool = False
    ) -> Draft | None:
        """Cut a document and take over the vectors that are there; None when nothing is to do.

        `is_redone` says that it is written anew even though its text is the same.
        """
        chunks = await asyncio.to_thread(cut, document, manner, await self._measures())
        held = self._held.get(document.document_id)
        if held is None:
            return Draft(document, chunks, is_new=True)
        is_same = held.content_hash == document.content_hash
        if is_same and held.chunks == len(chunks) and not held.pending and not is_redone:
            return None
        vectors = await self.vectors_of(document.document_id)
        stored = tuple(replace(chunk, vector=vectors.get(chunk.chunk_id)) for chunk in chunks)
        is_cut_alike = held.chunks == len(chunks) and all(
            chunk.chunk_id in vectors for chunk in chunks
        )
        replaces = is_same and (is_redone or not is_cut_alike)
        return Draft(document, stored, is_new=is_same and not replaces, replaces=replaces)

    async def fitted(self, document: SourceDocument, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """Give the chunks as they are, or cut anew where the store's model reads one in part."""
        sizes = await self._measures()
        if all(sizes.fits(embedding_text(document, chunk)) for chunk in chunks):
            return tuple(chunks)
        manner = Manner(attributes=chunks[0].attributes)
        return await asyncio.to_thread(cut, document, manner, sizes)

    async def store_text(self, draft: Draft) -> None:
        """Make a new document findable by its words, where the store can do that."""
        if draft.is_new and draft.lacking and self._store.takes_pending_chunks:
            await self._insert(draft.document, draft.chunks)
            logger.info(
                "document stored document_id=%s chunks=%d",
                draft.document.document_id,
                len(draft.chunks),
            )

    async def store_vectors(self, draft: Draft, on_embedded: OnEmbedded) -> None:
        """Compute the vectors that are lacking and store the document with all of them."""
        document, chunks = draft.document, list(draft.chunks)
        grows = draft.is_new and self._store.takes_pending_chunks
        lacking = [place for place, chunk in enumerate(chunks) if chunk.vector is None]
        for places in batched(lacking, _INSERTED_AT_ONCE if grows else max(len(lacking), 1)):
            for batch in batched(places, _EMBEDDING_BATCH):
                await self._embed(document, chunks, batch)
                on_embedded(len(batch))
            if grows and places[-1] != lacking[-1]:
                await self._insert(document, [chunks[place] for place in places])
        await self._insert(document, chunks, is_whole=draft.replaces)
        logger.info(
            "document embedded document_id=%s chunks=%d", document.document_id, len(lacking)
        )

    async def vectors_of(self, document_id: str) -> dict[str, Sequence[float] | None]:
        """Read what the store holds of a document; nothing, where its kind cannot tell."""
        if document_id not in self._held:
            return {}
        try:
            chunks = await self._engine.document_chunks(self._store.store_id, document_id)
        except (InvalidRequest, NotFound):
            return {}
        return {chunk.chunk_id: chunk.vector or None for chunk in chunks}

    async def delete(self, document_id: str) -> None:
        """Remove a document."""
        await self._engine.delete_document(self._store.store_id, document_id)
        logger.info("document deleted document_id=%s", document_id)

    async def _measures(self) -> Sizes:
        if self._sizes is None:
            self._sizes = Sizes(await self._engine.embedding_reach(self._store.embedding_model))
        return self._sizes

    async def _embed(
        self, document: SourceDocument, chunks: list[Chunk], places: Sequence[int]
    ) -> None:
        vectors = await self._engine.embed(
            [embedding_text(document, chunks[place]) for place in places],
            model=self._store.embedding_model,
            purpose=EmbeddingPurpose.PASSAGE,
        )
        for place, vector in zip(places, vectors, strict=True):
            chunks[place] = replace(chunks[place], vector=vector)

    async def _insert(
        self, document: SourceDocument, chunks: Sequence[Chunk], *, is_whole: bool = False
    ) -> None:
        await self._engine.insert_document(
            self._store.store_id, document, chunks, is_whole=is_whole
        )


def cut(
    document: SourceDocument, manner: Manner | None = None, sizes: Sizes | None = None
) -> tuple[Chunk, ...]:
    """Cut a document into chunks, each with what the manner says of it."""
    manner = manner or Manner()
    chunks = chunk_document(document, max_tokens=manner.max_tokens, sizes=sizes)
    return tuple(replace(chunk, attributes=manner.attributes) for chunk in chunks)
