"""Between the stack's chunks and rows of the file: what is checked, kept and given back."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from llama_stack_api import (
    ChunkMetadata,
    EmbeddedChunk,
    InterleavedContent,
    InvalidParameterError,
    TextContentItem,
)

from lightspeed_stack_providers.vector_stores.records import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk as it will be stored; `embedding` is None while its vector is pending."""

    chunk_id: str
    document_id: str | None
    content: str
    metadata: str
    chunk_metadata: str
    embedding: bytes | None


# What chunks carry of their document, and what is kept with it alone.
_OF_DOCUMENT: Final = frozenset({"source_text", "source_attributes", "source_complete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """What the chunks of one request say of their document; `text` may be known to the first.

    `attributes` is a JSON object that is kept beside the text. A document that `is_whole` has no
    other chunks than those of the request.
    """

    document_id: str
    content_hash: str | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None
    text: str | None = None
    attributes: str = "{}"
    is_whole: bool = False


def read(chunks: Sequence[EmbeddedChunk], store: Store) -> tuple[list[NewChunk], list[NewDocument]]:
    """Check chunks and find their documents. Raises `InvalidParameterError`."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    new_chunks: list[NewChunk] = []
    for chunk in chunks:
        document_id = chunk.document_id
        if document_id is not None:
            grouped.setdefault(document_id, []).append(chunk.metadata)
        new_chunks.append(_new_chunk(chunk, document_id, store))
    return new_chunks, [_new_document(key, found) for key, found in grouped.items()]


def text_of(content: InterleavedContent, *, parameter: str) -> str:
    """Join the texts of a content. Raises `InvalidParameterError` for an image."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part.text for part in parts if isinstance(part, TextContentItem)]
    if len(texts) < len(parts):
        raise InvalidParameterError(parameter, "an image", "This vector store holds texts only.")
    return "\n".join(texts)


def packed(vector: Sequence[float], store: Store, *, parameter: str) -> bytes:
    """Pack a vector at unit length as little-endian float32. Raises `InvalidParameterError`."""
    if len(vector) != store.embedding_dimension:
        raise InvalidParameterError(
            parameter,
            f"a vector of {len(vector)} numbers",
            f"Vector store '{store.store_id}' holds vectors of {store.embedding_dimension} numbers "
            f"made by '{store.embedding_model}'. Use that model, or make a new store with yours.",
        )
    norm = math.sqrt(math.sumprod(vector, vector))
    if not math.isfinite(norm):
        raise InvalidParameterError(parameter, "a vector", "All of its numbers must be finite.")
    return struct.pack(f"<{len(vector)}f", *(number / (norm or 1.0) for number in vector))


def unpacked(embedding: bytes | None) -> list[float]:
    """Unpack a stored vector; a pending one is empty."""
    if embedding is None:
        return []
    return list(struct.unpack(f"<{len(embedding) // 4}f", embedding))


def embedded_chunk(
    row: tuple[str, str, str, str, Sequence[float] | None], store: Store
) -> EmbeddedChunk:
    """Give (chunk_id, content, metadata, chunk_metadata, embedding) back as the stack's chunk."""
    chunk_id, content, metadata, chunk_metadata, embedding = row
    return EmbeddedChunk(
        chunk_id=chunk_id,
        content=content,
        metadata=json.loads(metadata),
        chunk_metadata=ChunkMetadata.model_validate_json(chunk_metadata),
        embedding=list(embedding or ()),
        embedding_model=store.embedding_model,
        embedding_dimension=store.embedding_dimension,
    )


def headline_of(metadata: Mapping[str, Any]) -> str:
    """Join what stands above a chunk's text and counts double."""
    return " ".join(str(metadata[key]) for key in ("title", "heading") if metadata.get(key))


def _new_chunk(chunk: EmbeddedChunk, document_id: str | None, store: Store) -> NewChunk:
    metadata = {key: value for key, value in chunk.metadata.items() if key not in _OF_DOCUMENT}
    if document_id is not None:
        metadata["document_id"] = document_id
    embedding = None
    if chunk.embedding:
        _check_model(chunk.embedding_model, store)
        embedding = packed(chunk.embedding, store, parameter=f"embedding of {chunk.chunk_id}")
    return NewChunk(
        chunk_id=chunk.chunk_id,
        document_id=document_id,
        content=text_of(chunk.content, parameter=f"content of {chunk.chunk_id}"),
        metadata=_json(metadata, chunk.chunk_id),
        chunk_metadata=chunk.chunk_metadata.model_dump_json(exclude_none=True),
        embedding=embedding,
    )


def _check_model(model: str, store: Store) -> None:
    stored = store.embedding_model
    # The stack's own name is `provider/model`; a model's bare name is taken for the same.
    if model and model != stored and not stored.endswith(f"/{model}"):
        raise InvalidParameterError(
            "embedding_model",
            model,
            f"Vector store '{store.store_id}' holds vectors of '{stored}', which cannot be "
            "compared with those of another model. Use that model, or index the documents anew: "
            "fill another store with yours, and let it replace this one.",
        )


def _new_document(document_id: str, found: list[dict[str, Any]]) -> NewDocument:
    described = next((metadata for metadata in found if "source_text" in metadata), found[0])
    text = described.get("source_text")
    document = NewDocument(
        document_id=document_id,
        content_hash=_text(described.get("content_hash")),
        title=_text(described.get("title")),
        url=_text(described.get("url")),
        source=_text(described.get("source")),
        text=_text(text),
        attributes=_attributes(described.get("source_attributes"), document_id),
        is_whole=text is not None and described.get("source_complete") is True,
    )
    if document.text is not None and any(
        metadata.get("content_hash") != described.get("content_hash") for metadata in found
    ):
        raise InvalidParameterError(
            "content_hash", document_id, "All chunks of a document belong to one version of it."
        )
    return document


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _attributes(given: Any, document_id: str) -> str:
    if given is None:
        return "{}"
    if not isinstance(given, dict):
        raise InvalidParameterError("source_attributes", document_id, "They must be a JSON object.")
    return _json(cast("dict[str, Any]", given), document_id)


def _json(metadata: dict[str, Any], of: str) -> str:
    try:
        return json.dumps(metadata, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"metadata of {of}", error, "It must be JSON.") from error
