"""Brings a vector store up to date with a set of documents, through the engine port alone.

Text first: chunks are found by keyword while their vectors are still being computed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from pathlib import Path
from typing import Final

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose, StoredDocument, VectorStoreInfo
from lightspeed_core.errors import EngineUnavailable, LightspeedError, NotFound
from lightspeed_core.ingest.chunk import chunk_document, embedding_text
from lightspeed_core.ingest.load import load_product_docs

logger = logging.getLogger(__name__)

type OnText = Callable[[], None]

# A larger batch costs memory and gains no speed.
_EMBEDDING_BATCH: Final = 4


@dataclass(slots=True, kw_only=True)
class SyncReport:
    """What a synchronization did; documents that `failed` are tried again by the next one."""

    unchanged: int = 0
    embedded: int = 0
    deleted: int = 0
    chunks_embedded: int = 0
    failed: set[str] = field(default_factory=set[str])


def _ignore() -> None:
    pass


async def keep_product_docs(
    engine: Engine, store_id: str, root: Path, *, on_text: OnText = _ignore
) -> None:
    """Index the product's own documents below `root`; never fails and may be cancelled.

    What a cancellation, a crash or a failure leaves undone is done by the next call. `on_text` is
    called when there is something to find, or nothing will come.
    """
    try:
        documents = await asyncio.to_thread(load_product_docs, root)
        await synchronize(engine, store_id, documents, on_text=on_text)
    except LightspeedError as error:
        logger.warning("documents not indexed store_id=%s: %s", store_id, error)
    except Exception:
        logger.exception("documents not indexed store_id=%s", store_id)
    finally:
        on_text()


async def synchronize(
    engine: Engine,
    store_id: str,
    documents: Sequence[SourceDocument],
    *,
    on_text: OnText = _ignore,
) -> SyncReport:
    """Make the store hold exactly these documents, each chunk with its vector.

    An unchanged document embeds nothing; one that is not among them is deleted. `on_text` is
    called once the store can be searched: at once if it was filled before, else when the text of
    all documents is in it. Raises
    `NotFound` for an unknown store and `EngineUnavailable` when the engine goes away; any other
    failure of one document leaves the others alone.
    """
    store = await _find_store(engine, store_id)
    held = {each.document_id: each for each in await engine.documents(store_id)}
    if held:
        on_text()
    cut = await asyncio.to_thread(
        lambda: {each.document_id: _Cut(each, tuple(chunk_document(each))) for each in documents}
    )
    run = _Run(engine, store, cut, held)
    changed = [name for name in cut if not run.is_stored(name)]
    unfinished = [name for name in cut if name in changed or held[name].pending]
    await run.each(sorted(held.keys() - cut.keys()), run.delete)
    if store.takes_pending_chunks:
        await run.each(changed, run.store_text)
        on_text()
    await run.each(unfinished, run.store_vectors)
    run.report.unchanged = len(cut) - len(unfinished)
    logger.info("documents indexed store_id=%s %s", store_id, run.report)
    return run.report


async def _find_store(engine: Engine, store_id: str) -> VectorStoreInfo:
    for store in await engine.vector_stores():
        if store.store_id == store_id:
            return store
    raise NotFound("vector store", store_id)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A document with its chunks."""

    document: SourceDocument
    chunks: tuple[Chunk, ...]


class _Run:
    """The steps of one synchronization, each for one document."""

    def __init__(
        self,
        engine: Engine,
        store: VectorStoreInfo,
        cut: dict[str, _Cut],
        held: dict[str, StoredDocument],
    ) -> None:
        self._engine = engine
        self._store = store
        self._cut = cut
        self._held = held
        self.report = SyncReport()

    def is_stored(self, name: str) -> bool:
        """Say whether the store holds this version of the document, cut as it is cut today."""
        return self._has_version(name) and self._held[name].chunks == len(self._cut[name].chunks)

    def _has_version(self, name: str) -> bool:
        held = self._held.get(name)
        return held is not None and held.content_hash == self._cut[name].document.content_hash

    async def each(self, names: Iterable[str], step: Callable[[str], Awaitable[None]]) -> None:
        """Take the step for every document that has not failed; note those that fail now."""
        for name in names:
            if name in self.report.failed:
                continue
            try:
                await step(name)
            except EngineUnavailable:
                raise
            except LightspeedError as error:
                logger.warning("document not indexed document_id=%s: %s", name, error)
                self.report.failed.add(name)

    async def delete(self, name: str) -> None:
        await self._engine.delete_document(self._store.store_id, name)
        self.report.deleted += 1
        logger.info("document deleted document_id=%s", name)

    async def store_text(self, name: str) -> None:
        chunks = self._cut[name].chunks
        await self._insert(name, chunks)
        logger.info("document stored document_id=%s chunks=%d", name, len(chunks))

    async def store_vectors(self, name: str) -> None:
        document, chunks = self._cut[name].document, self._cut[name].chunks
        complete: list[Chunk] = []
        for batch in batched(chunks, _EMBEDDING_BATCH):
            vectors = await self._engine.embed(
                [embedding_text(document, chunk) for chunk in batch],
                model=self._store.embedding_model,
                purpose=EmbeddingPurpose.PASSAGE,
            )
            complete += [
                replace(chunk, vector=vector) for chunk, vector in zip(batch, vectors, strict=True)
            ]
        await self._insert(name, complete)
        self.report.embedded += 1
        self.report.chunks_embedded += len(complete)
        logger.info("document embedded document_id=%s chunks=%d", name, len(complete))

    async def _insert(self, name: str, chunks: Sequence[Chunk]) -> None:
        if self._has_version(name) and not self.is_stored(name):
            # A store replaces another version by itself, but not one that was cut differently.
            await self._engine.delete_document(self._store.store_id, name)
            del self._held[name]
        await self._engine.insert_document(self._store.store_id, self._cut[name].document, chunks)
