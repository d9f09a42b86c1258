"""Stores, documents and found chunks in the words of OpenAI's vector store API. Pure functions.

A file of that API is a document of ours: its id is the document's id.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from llama_stack_api import (
    EmbeddedChunk,
    VectorStoreChunkingStrategyAuto,
    VectorStoreContent,
    VectorStoreFileCounts,
    VectorStoreFileObject,
    VectorStoreObject,
    VectorStoreSearchResponse,
)

from lightspeed_stack_providers.vector_stores.records import Document, SourceText, Store

type Status = Literal["completed", "in_progress"]


def status_of(document: Document) -> Status:
    """A document is complete when each of its chunks has a vector."""
    return "in_progress" if document.pending else "completed"


def store_object(
    store: Store, held: Sequence[Document], described: Mapping[str, str]
) -> VectorStoreObject:
    """Show a store with its documents counted; `described` stands beside its metadata."""
    pending = sum(1 for document in held if document.pending)
    working = "in_progress" if pending else "completed"
    return VectorStoreObject(
        id=store.store_id,
        created_at=store.created_at,
        name=store.name,
        usage_bytes=sum(document.bytes for document in held),
        file_counts=VectorStoreFileCounts(
            completed=len(held) - pending,
            in_progress=pending,
            cancelled=0,
            failed=0,
            total=len(held),
        ),
        status="expired" if store.is_expired else working,
        expires_at=store.expires_at,
        metadata={
            **store.metadata,
            **described,
            "embedding_model": store.embedding_model,
            "embedding_dimension": str(store.embedding_dimension),
        },
    )


def file_object(document: Document, store_id: str) -> VectorStoreFileObject:
    """Show a document; what it lacks is left out of the attributes, but for the hash."""
    described = {"title": document.title, "url": document.url, "source": document.source}
    return VectorStoreFileObject(
        id=document.document_id,
        attributes={
            "content_hash": document.content_hash or "",
            "chunks": document.chunks,
            "pending": document.pending,
            "has_text": bool(document.has_text),
            **{key: value for key, value in described.items() if value is not None},
        },
        chunking_strategy=VectorStoreChunkingStrategyAuto(),
        created_at=document.created_at,
        status=status_of(document),
        usage_bytes=document.bytes,
        vector_store_id=store_id,
    )


def found_chunk(chunk: EmbeddedChunk, score: float) -> VectorStoreSearchResponse:
    """Show a found chunk; its metadata are the attributes, as far as they are plain values."""
    metadata = chunk.metadata
    name = metadata.get("filename") or metadata.get("title") or metadata.get("source") or ""
    return VectorStoreSearchResponse(
        file_id=str(metadata.get("document_id", "")),
        filename=str(name),
        score=score,
        attributes={
            key: value for key, value in metadata.items() if isinstance(value, str | int | float)
        },
        content=[content_of(chunk)],
    )


def whole_text(source: SourceText) -> VectorStoreContent:
    """Show a document's text; its metadata are what is kept beside it."""
    return VectorStoreContent(type="text", text=source.text, metadata=source.attributes or None)


def content_of(
    chunk: EmbeddedChunk, *, with_embedding: bool = False, with_metadata: bool = False
) -> VectorStoreContent:
    """Show a chunk's text, and what else is asked for."""
    return VectorStoreContent(
        type="text",
        text=str(chunk.content),
        embedding=chunk.embedding if with_embedding else None,
        metadata=chunk.metadata if with_metadata else None,
        chunk_metadata=chunk.chunk_metadata if with_metadata else None,
    )


def page[T](
    items: Sequence[T],
    identifier: Callable[[T], str],
    *,
    limit: int | None,
    order: str | None,
    after: str | None,
    before: str | None,
) -> tuple[list[T], dict[str, Any]]:
    """Cut a page out of items that are in the order of their creation, with its list fields."""
    ordered = list(items) if order == "asc" else list(reversed(items))
    places = {identifier(item): place for place, item in enumerate(ordered)}
    start = places[after] + 1 if after in places else 0
    end = places.get(before or "", len(ordered))
    between = ordered[start:end]
    chosen = between if limit is None else between[: max(limit, 0)]
    return chosen, {
        "first_id": identifier(chosen[0]) if chosen else None,
        "last_id": identifier(chosen[-1]) if chosen else None,
        "has_more": len(chosen) < len(between),
    }
