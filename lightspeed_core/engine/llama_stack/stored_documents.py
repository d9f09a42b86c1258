"""Documents of vector stores: chunks go in and out, in stores that keep documents and others."""

from collections.abc import Sequence
from typing import Any

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.origin import origin_metadata, read_page_breaks
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.llama_stack.vector_stores import DOCUMENT_STORES, find_store
from lightspeed_core.engine.types import StoredDocument, VectorStoreInfo
from lightspeed_core.errors import InvalidRequest, NotFound

# A store that keeps no list of documents is asked for its chunks, this many at a time.
_CHUNKS_AT_A_TIME = 10_000
_DELETION_ROUNDS = 1_000


async def insert_document(
    stack: Stack,
    store_id: str,
    document: SourceDocument,
    chunks: Sequence[Chunk],
    *,
    embedding_model: str | None = None,
) -> None:
    """Store a document, in place of an older version of it."""
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
        keeps_documents = provider_type in DOCUMENT_STORES
        if not keeps_documents:
            await _delete_chunks_of(stack, store_id, document.document_id)
        written = [_chunk(document, chunk, store) for chunk in chunks]
        if written and keeps_documents:
            written[0]["metadata"]["source_text"] = document.text
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
        return SourceDocument(
            document_id=document_id,
            text=content["text"],
            content_hash=str(attributes["content_hash"]),
            title=str(attributes.get("title") or ""),
            url=attributes.get("url"),
            source=attributes.get("source"),
        )


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
                if key not in metadata and key != "source_text"
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
    counts: dict[tuple[str, str], int] = {}
    for chunk in chunks:
        metadata = chunk["metadata"]
        if "document_id" in metadata:
            key = (str(metadata["document_id"]), str(metadata.get("content_hash", "")))
            counts[key] = counts.get(key, 0) + 1
    return [
        StoredDocument(document_id=document_id, content_hash=content_hash, chunks=count)
        for (document_id, content_hash), count in counts.items()
    ]


async def _some_chunks(stack: Stack, store_id: str, **params: Any) -> list[Any]:
    return await stack.query(store_id, ".", {"max_chunks": _CHUNKS_AT_A_TIME, **params})


async def _delete_chunks_of(stack: Stack, store_id: str, document_id: str) -> None:
    filters = {"type": "eq", "key": "document_id", "value": document_id}
    for _ in range(_DELETION_ROUNDS):
        found = await _some_chunks(stack, store_id, filters=filters)
        if not found:
            return
        ids = [each.chunk["chunk_id"] for each in found]
        doomed = [{"chunk_id": chunk_id, "document_id": document_id} for chunk_id in ids]
        await stack.delete_chunks(store_id, doomed)
