"""The documents of a store, as lists and contents. Reads only."""

import json
import sqlite3
from typing import Final

from llama_stack_api import EmbeddedChunk

from lightspeed_stack_providers.vector_stores.chunks import embedded_chunk, unpacked
from lightspeed_stack_providers.vector_stores.records import Document, SourceText, Store

_OF_A_STORE: Final = (
    "SELECT document_key, document_id, created_at, content_hash, title, url, source, bytes, chunks,"
    " chunks - vectors, source_text IS NOT NULL FROM documents WHERE store_key = ?"
)


def list_all(connection: sqlite3.Connection, store: Store) -> list[Document]:
    """List the documents in the order of their first arrival."""
    rows = connection.execute(_OF_A_STORE + " ORDER BY document_key", (store.store_key,))
    return [Document(*row) for row in rows]


def find(connection: sqlite3.Connection, store: Store, document_id: str) -> Document | None:
    """Look a document up."""
    row = connection.execute(
        _OF_A_STORE + " AND document_id = ?", (store.store_key, document_id)
    ).fetchone()
    return None if row is None else Document(*row)


def source_text(connection: sqlite3.Connection, document: Document) -> SourceText | None:
    """Read the whole text of a document; None where only its chunks are known."""
    text, attributes = connection.execute(
        "SELECT source_text, attributes FROM documents WHERE document_key = ?",
        (document.document_key,),
    ).fetchone()
    return None if text is None else SourceText(text, json.loads(attributes))


def chunks(connection: sqlite3.Connection, store: Store, document: Document) -> list[EmbeddedChunk]:
    """Read the chunks of a document in the order of its text, as far as that is known."""
    rows = connection.execute(
        "SELECT chunk_id, content, metadata, chunk_metadata, embedding"
        " FROM chunks LEFT JOIN vectors USING (chunk_key) WHERE document_key = ?"
        " ORDER BY json_extract(metadata, '$.start'), chunk_key",
        (document.document_key,),
    )
    return [
        embedded_chunk((chunk_id, content, metadata, chunk_metadata, unpacked(embedding)), store)
        for chunk_id, content, metadata, chunk_metadata, embedding in rows
    ]
