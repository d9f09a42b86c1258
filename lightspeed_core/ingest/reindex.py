"""Builds a store's index anew with another embedding model, beside the one that serves.

It is made of the texts and chunks that the store keeps, so no file is needed. The old index serves
until the new one is whole, and what a crash leaves of the new one is gone on with.
"""

import hashlib
import logging
from dataclasses import replace
from typing import Final

from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import (
    UNFINISHED_SUFFIX,
    NewVectorStore,
    StoredDocument,
    VectorStoreInfo,
)
from lightspeed_core.errors import Conflict, InvalidRequest, NotFound
from lightspeed_core.ingest.documents import DocumentWriter, Draft
from lightspeed_core.ingest.jobs import FileState
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.synchronize import find_store

logger = logging.getLogger(__name__)

# So often the store may have been changed by others meanwhile.
_ROUNDS: Final = 10


def wanted_model(store: VectorStoreInfo, named: str | None) -> str:
    """Choose the model of a new index. Raises `InvalidRequest` where nothing says which."""
    model = named or store.wanted_model
    if model is None:
        raise InvalidRequest(
            "Invalid request",
            f"Vector store {store.store_id} is configured for the model that it was filled with, "
            f"{store.embedding_model}; name another one with --embedding-model",
        )
    return model


async def reindex(engine: Engine, store_id: str, model: str, progress: Progress) -> None:
    """Let a store serve its documents with vectors of `model`, from one moment to the next.

    Raises `NotFound` for an unknown store or model, `InvalidRequest` for a kind of store that
    cannot do it or does not keep its texts, and `Conflict` when others change the store all the
    time. Whatever it raises, the store serves as before.
    """
    store = await find_store(engine, store_id)
    successor = await _successor(engine, store, model)
    refitted: dict[str, StoredDocument] = {}
    for _ in range(_ROUNDS):
        if not await _catch_up(engine, store, successor, refitted, progress):
            await engine.replace_vector_store(store_id, by=successor.store_id)
            logger.info("vector store reindexed store_id=%s model=%s", store_id, model)
            return
    raise Conflict(
        "Vector store is busy", f"Vector store {store_id} is changed all the time; try again later"
    )


async def _successor(engine: Engine, store: VectorStoreInfo, model: str) -> VectorStoreInfo:
    """Return the store that is being built; those of other models are removed."""
    name = hashlib.sha256(model.encode()).hexdigest()[:12]
    successor_id = f"{store.store_id}.{name}{UNFINISHED_SUFFIX}"
    found: VectorStoreInfo | None = None
    for other in await engine.vector_stores(unfinished=True):
        if other.store_id == successor_id:
            found = other
        elif _store_of(other.store_id) == store.store_id:
            await engine.delete_vector_store(other.store_id)
    return found or await engine.create_vector_store(
        NewVectorStore(
            name=successor_id,
            store_id=successor_id,
            embedding_model=model,
            provider_id=store.provider_id,
        )
    )


def _store_of(successor_id: str) -> str:
    """Return the store that a new index is built for."""
    return successor_id.removesuffix(UNFINISHED_SUFFIX).rpartition(".")[0]


async def _catch_up(
    engine: Engine,
    store: VectorStoreInfo,
    successor: VectorStoreInfo,
    refitted: dict[str, StoredDocument],
    progress: Progress,
) -> bool:
    """Bring the new index abreast of the old one; false when there was nothing to do.

    `refitted` are documents of the old one that had to be cut otherwise for the new one.
    """
    old = {each.document_id: each for each in await engine.documents(store.store_id)}
    new = {each.document_id: each for each in await engine.documents(successor.store_id)}
    lacking = [
        name
        for name, held in old.items()
        if not _is_copied(held, new.get(name), is_refitted=refitted.get(name) == held)
    ]
    superfluous = sorted(new.keys() - old.keys())
    if lacking:
        progress.begin(len(old))
        progress.await_copying(sum(old[name].chunks for name in lacking), len(old) - len(lacking))
    writer = DocumentWriter(engine, successor, new)
    for document_id in superfluous:
        await writer.delete(document_id)
    for document_id in lacking:
        if await _copy(engine, store, writer, document_id, progress) != old[document_id].chunks:
            refitted[document_id] = old[document_id]
    return bool(lacking or superfluous)


def _is_copied(held: StoredDocument, copy: StoredDocument | None, *, is_refitted: bool) -> bool:
    return (
        copy is not None
        and copy.content_hash == held.content_hash
        and (is_refitted or copy.chunks == held.chunks)
        and not copy.pending
    )


async def _copy(
    engine: Engine,
    store: VectorStoreInfo,
    writer: DocumentWriter,
    document_id: str,
    progress: Progress,
) -> int:
    """Copy a document, and say into how many chunks."""
    try:
        document = await engine.source_document(store.store_id, document_id)
    except NotFound as exc:
        raise InvalidRequest(
            "Not supported",
            f"Of document {document_id} vector store {store.store_id} keeps no text; take its "
            "documents into a new store",
        ) from exc
    held = await engine.document_chunks(store.store_id, document_id)
    chunks = await writer.fitted(document, held)
    vectors = await writer.vectors_of(document_id)
    copied = tuple(replace(chunk, vector=vectors.get(chunk.chunk_id)) for chunk in chunks)
    # What an earlier run left of it may be cut otherwise.
    draft = Draft(document, copied, is_new=True, replaces=True)
    await writer.store_text(draft)
    await writer.store_vectors(draft, progress.embedded)
    progress.settled(document_id, FileState.INDEXED, chunks=len(chunks))
    return len(chunks)
