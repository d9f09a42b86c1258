"""Documents of vector stores: chunks go in and out, in stores that keep documents and others."""

import hashlib
import json
from collections.abc import Sequence, Set
from typing import Any

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.origin import (
    ORIGIN_KEYS,
    origin_metadata,
    read_page_breaks,
)
from lightspeed_core.engine.llama_stack.source_attributes import read_source, source_attributes
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.llama_stack.vector_stores import DOCUMENT_STORES, find_store
from lightspeed_core.engine.types import StoredDocument, VectorStoreInfo
from lightspeed_core.errors import InvalidRequest, NotFound

# A store that keeps no list of documents is asked for its chunks, this many at a time.
_CHUNKS_AT_A_TIME = 10_000
_DELETION_ROUNDS = 1_000
# What the first chunk carries of its document.
_OF_SOURCE = frozenset({"source_text", "source_attributes", "source_complete"})
# What has a meaning to us among a chunk's metadata; the rest are its attributes.
_OUR_METADATA = ORIGIN_KEYS | {
    *("document_id", "content_hash", "start", "end", "title", "url", "source"),
    *("language", "heading", "page"),
}


async def insert_document(
    stack: Stack,
    store_id: str,
    document: SourceDocument,
    chunks: Sequence[Chunk],
    *,
    embedding_model: str | None = None,
    is_whole: bool = False,
) -> None:
    """Store a document, in place of an older version of it.

    A store that keeps chunks alone has no step that does both: the new ones come first, then the
    old ones go, so that the document is found all the time.
    """
    with translated():
        store, provider_type = await find_store(stack, store_id)
        if embedding_model not in {None, store.embedding_model}:
            raise InvalidRequest(
                "Invalid request",
                f"Vector store {store_id} holds vectors of {store.embedding_model}, not of "
                f"{embedding_model}; index its documents anew to change the model, with "
                f"`lightspeed-stack reindex {store_id}`",
            )
        if not store.takes_pending_chunks and any(chunk.vector is None for chunk in chunks):
            raise InvalidRequest(
                "Invalid request", f"Vector store {store_id} takes no chunk without a vector"
            )
        written = [_chunk(document, chunk, store) for chunk in chunks]
        if provider_type not in DOCUMENT_STORES:
            await _exchange_chunks(stack, store_id, document.document_id, written)
            return
        if written:
            written[0]["metadata"] |= {
                "source_text": document.text,
                "source_attributes": source_attributes(document),
                **({"source_complete": True} if is_whole else {}),
            }
        await stack.insert(store_id, written)


async def delete_document(stack: Stack, store_id: str, document_id: str) -> None:
    """Remove a document; harmless when it is not there."""
    with translated():
        _, provider_type = await find_store(stack, store_id)
        if provider_type not in DOCUMENT_STORES:
            await _delete_chunks_of(stack, store_id, document_id)
        elif document_id in {each["id"] for each in await stack.files(store_id)}:
            await stack.delete_file(store_id, document_id)


async def documents(stack: Stack, store_id: str) -> list[StoredDocument]:
    """List the documents of a store.

    A built-in store keeps no such list; it is gathered from the chunks nearest to nothing in
    particular, at most ten thousand.
    """
    with translated():
        _, provider_type = await find_store(stack, store_id)
        if provider_type in DOCUMENT_STORES:
            return [_document(each) for each in await stack.files(store_id)]
        return _gathered([found.chunk for found in await _some_chunks(stack, store_id)])


async def document_chunks(stack: Stack, store_id: str, document_id: str) -> list[Chunk]:
    """Read a document's chunks with their vectors. Raises `NotFound` and `InvalidRequest`."""
    with translated():
        await _find_document(stack, store_id, document_id)
        held = await stack.contents(store_id, document_id, embedded=True)
        return [_held_chunk(each, document_id) for each in held]


async def source_document(stack: Stack, store_id: str, document_id: str) -> SourceDocument:
    """Read a document as it was stored. Raises `NotFound` and `InvalidRequest`."""
    with translated():
        attributes = (await _find_document(stack, store_id, document_id))["attributes"]
        if not attributes.get("has_text"):
            raise NotFound("source text", document_id)
        (content,) = await stack.contents(store_id, document_id, embedded=False)
        return read_source(attributes, content, document_id)


async def _find_document(stack: Stack, store_id: str, document_id: str) -> Json:
    _, provider_type = await find_store(stack, store_id)
    if provider_type not in DOCUMENT_STORES:
        raise InvalidRequest("Not supported", f"Vector store {store_id} keeps chunks alone")
    found = await stack.file(store_id, document_id)
    if found is None:
        raise NotFound("document", document_id)
    return found


def _held_chunk(held: Json, document_id: str) -> Chunk:
    metadata: Json = held["metadata"]
    return Chunk(
        chunk_id=held["chunk_metadata"]["chunk_id"],
        document_id=document_id,
        content=held["text"],
        start=int(metadata.get("start", 0)),
        end=int(metadata.get("end", 0)),
        heading=metadata.get("heading", ""),
        page=metadata.get("page"),
        page_breaks=read_page_breaks(metadata),
        table_header=str(metadata.get("table_header") or ""),
        vector=held["embedding"] or None,
        attributes={key: value for key, value in metadata.items() if key not in _OUR_METADATA},
    )


def _chunk(document: SourceDocument, chunk: Chunk, store: VectorStoreInfo) -> dict[str, Any]:
    metadata = {
        "document_id": document.document_id,
        "content_hash": document.content_hash,
        "start": chunk.start,
        "end": chunk.end,
        "title": document.title,
        "url": document.url,
        "source": document.source,
        "language": document.language,
        "heading": chunk.heading or None,
        "page": chunk.page,
        **origin_metadata(document, chunk),
    }
    return {
        "content": chunk.content,
        "chunk_id": chunk.chunk_id,
        "metadata": {
            # What has a meaning to us is never taken from what another program wrote.
            **{
                key: value
                for key, value in chunk.attributes.items()
                if key not in metadata and key not in _OF_SOURCE
            },
            **{key: value for key, value in metadata.items() if value is not None},
        },
        "chunk_metadata": {
            "chunk_id": chunk.chunk_id,
            "document_id": document.document_id,
            "source": document.source,
        },
        "embedding": [] if chunk.vector is None else [float(value) for value in chunk.vector],
        "embedding_model": store.embedding_model,
        "embedding_dimension": store.embedding_dimension,
    }


def _document(file: Json) -> StoredDocument:
    attributes = file["attributes"]
    return StoredDocument(
        document_id=file["id"],
        content_hash=str(attributes["content_hash"]),
        chunks=int(attributes["chunks"]),
        pending=int(attributes["pending"]),
    )


def _gathered(chunks: Sequence[Json]) -> list[StoredDocument]:
    """Count chunks by document; one of which two versions are left has the hash of neither."""
    hashes: dict[str, list[str]] = {}
    for chunk in chunks:
        metadata = chunk["metadata"]
        if "document_id" in metadata:
            found = hashes.setdefault(str(metadata["document_id"]), [])
            found.append(str(metadata.get("content_hash", "")))
    return [
        StoredDocument(
            document_id=document_id,
            content_hash=found[0] if len(set(found)) == 1 else "",
            chunks=len(found),
        )
        for document_id, found in hashes.items()
    ]


async def _some_chunks(stack: Stack, store_id: str, **params: Any) -> list[Any]:
    return await stack.query(store_id, ".", {"max_chunks": _CHUNKS_AT_A_TIME, **params})


async def _exchange_chunks(
    stack: Stack, store_id: str, document_id: str, written: Sequence[dict[str, Any]]
) -> None:
    """Store the chunks that are not there yet, then delete those of the document that are others.

    Such a store takes a chunk for known by its id, so the id also tells what the chunk carries.
    """
    for chunk in written:
        chunk["chunk_id"] = chunk["chunk_metadata"]["chunk_id"] = _id_with_content(chunk)
    wanted = {each["chunk_id"] for each in written}
    held = await _chunk_ids_of(stack, store_id, document_id)
    if held - wanted:
        stack.require_chunk_deletion(store_id)
    if added := [each for each in written if each["chunk_id"] not in held]:
        await stack.insert(store_id, added)
    await _delete_chunks_of(stack, store_id, document_id, kept=wanted)


def _id_with_content(chunk: Json) -> str:
    told = json.dumps([chunk["chunk_id"], chunk["content"], chunk["metadata"]], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


async def _delete_chunks_of(
    stack: Stack, store_id: str, document_id: str, *, kept: Set[str] = frozenset()
) -> None:
    for _ in range(_DELETION_ROUNDS):
        others = await _chunk_ids_of(stack, store_id, document_id) - kept
        if not others:
            return
        doomed = [{"chunk_id": chunk_id, "document_id": document_id} for chunk_id in others]
        await stack.delete_chunks(store_id, doomed)


async def _chunk_ids_of(stack: Stack, store_id: str, document_id: str) -> set[str]:
    filters = {"type": "eq", "key": "document_id", "value": document_id}
    found = await _some_chunks(stack, store_id, filters=filters)
    return {str(each.chunk["chunk_id"]) for each in found}
