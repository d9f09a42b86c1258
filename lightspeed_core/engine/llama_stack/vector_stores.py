"""Vector stores, their documents and what each kind of store can do."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.failures import translated
from lightspeed_core.engine.llama_stack.stack import Json, Stack
from lightspeed_core.engine.types import (
    SearchMode,
    StoredDocument,
    VectorStoreInfo,
    VectorStoreState,
)
from lightspeed_core.errors import InvalidRequest, NotFound

# Ours keep documents whole, replace them by themselves and take chunks without a vector.
DOCUMENT_STORES = frozenset({"inline::faiss_hybrid"})

_EVERY_MODE = frozenset(SearchMode)
_MODES = {
    "inline::faiss_hybrid": _EVERY_MODE,
    "remote::pgvector": _EVERY_MODE,
    "inline::sqlite-vec": _EVERY_MODE,
    "inline::milvus": _EVERY_MODE,
    "remote::milvus": _EVERY_MODE,
    "remote::weaviate": _EVERY_MODE,
    "inline::qdrant": _EVERY_MODE,
    "remote::qdrant": _EVERY_MODE,
    "remote::elasticsearch": _EVERY_MODE,
}
_VECTOR_ONLY = frozenset({SearchMode.VECTOR})

# A store that keeps no list of documents is asked for its chunks, this many at a time.
_CHUNKS_AT_A_TIME = 10_000
_DELETION_ROUNDS = 1_000


async def vector_stores(stack: Stack) -> list[VectorStoreInfo]:
    """List the stores whose provider is present."""
    with translated():
        types = await stack.provider_types("vector_io")
        listed = await stack.vector_stores()
    return [_info(each, types[each["provider_id"]]) for each in listed if _is_served(each, types)]


async def vector_store(stack: Stack, store_id: str) -> VectorStoreState:
    """Ask a store about itself. Raises `NotFound` for an unknown store."""
    with translated():
        store, _ = await find_store(stack, store_id)
        told = await stack.describe_vector_store(store_id)
    return VectorStoreState(
        store_id=store_id,
        name=told.get("name") or store.name,
        created_at=told["created_at"],
        last_active_at=told.get("last_active_at"),
        expires_at=told.get("expires_at"),
        usage_bytes=told.get("usage_bytes") or 0,
        status=told["status"],
    )


async def find_store(stack: Stack, store_id: str) -> tuple[VectorStoreInfo, str]:
    """Give a store and its provider's type. Raises `NotFound` for an unknown store."""
    types = await stack.provider_types("vector_io")
    found = await stack.find_vector_store(store_id)
    if found is None or not _is_served(found, types):
        raise NotFound("vector store", store_id)
    provider_type = types[found["provider_id"]]
    return _info(found, provider_type), provider_type


async def insert_document(
    stack: Stack, store_id: str, document: SourceDocument, chunks: Sequence[Chunk]
) -> None:
    """Store a document, in place of an older version of it."""
    with translated():
        store, provider_type = await find_store(stack, store_id)
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


def _is_served(store: Json, types: Mapping[str, str]) -> bool:
    return store["provider_id"] in types


def _info(store: Json, provider_type: str) -> VectorStoreInfo:
    return VectorStoreInfo(
        store_id=store["identifier"],
        name=store.get("name") or store["identifier"],
        provider_id=store["provider_id"],
        embedding_model=store["embedding_model"],
        embedding_dimension=int(store["embedding_dimension"]),
        modes=_MODES.get(provider_type, _VECTOR_ONLY),
        takes_pending_chunks=provider_type in DOCUMENT_STORES,
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
        "heading": chunk.heading or None,
        "page": chunk.page,
    }
    return {
        "content": chunk.content,
        "chunk_id": chunk.chunk_id,
        "metadata": {key: value for key, value in metadata.items() if value is not None},
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
