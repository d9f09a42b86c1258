"""Changes of a store's chunks and documents, each within the transaction of its caller.

The cost of a change is that of what is changed, whatever the store holds.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from lightspeed_stack_providers.vector_stores.chunks import NewChunk, NewDocument
from lightspeed_stack_providers.vector_stores.records import Store
from lightspeed_stack_providers.vector_stores.versions import step_for

# A process that missed more removals than these builds its indexes anew.
REMOVALS_KEPT: Final = 10_000
_OTHERS_OF_DOCUMENT: Final = "document_key = ? AND chunk_id NOT IN (SELECT value FROM json_each(?))"


class Changes:
    """One change of a store; `finish` closes its books."""

    def __init__(self, connection: sqlite3.Connection, store: Store) -> None:
        self._sql = connection
        self._store_key = store.store_key
        self._removed = False
        # By document, with None for chunks of none.
        self._chunks: Counter[int | None] = Counter()
        self._vectors: Counter[int | None] = Counter()

    def insert(self, chunks: Iterable[NewChunk], documents: Iterable[NewDocument]) -> None:
        """Take chunks in. Raises `ConflictError` for those of a version that was replaced."""
        keys: dict[str, int] = {}
        kept_of_whole: dict[int, list[str]] = {}
        for document in documents:
            key = keys[document.document_id] = self._keep_document(document)
            if document.is_whole:
                kept_of_whole[key] = []
        for chunk in chunks:
            document_key = keys.get(chunk.document_id or "")
            self._keep_chunk(chunk, document_key)
            if document_key in kept_of_whole:
                kept_of_whole[document_key].append(chunk.chunk_id)
        for document_key, chunk_ids in kept_of_whole.items():
            self._remove_where(_OTHERS_OF_DOCUMENT, document_key, json.dumps(chunk_ids))

    def remove(self, chunk_ids: Sequence[str]) -> None:
        """Remove chunks by their ids; unknown ones are ignored."""
        self._remove_where("chunk_id IN (SELECT value FROM json_each(?))", json.dumps(chunk_ids))

    def remove_document(self, document_id: str) -> bool:
        """Remove a document with its chunks; say whether it was there."""
        row = self._sql.execute(
            "SELECT document_key FROM documents WHERE store_key = ? AND document_id = ?",
            (self._store_key, document_id),
        ).fetchone()
        if row is None:
            return False
        self._remove_where("document_key = ?", row[0])
        return True

    def finish(self) -> None:
        """Remove documents that lost their last chunk, and tell every process of the change."""
        touched = self._chunks.keys() | self._vectors.keys()
        for document_key in touched - {None}:
            self._sql.execute(
                "UPDATE documents SET chunks = chunks + ?, vectors = vectors + ?"
                " WHERE document_key = ?",
                (self._chunks[document_key], self._vectors[document_key], document_key),
            )
            self._sql.execute(
                "DELETE FROM documents WHERE document_key = ? AND chunks = 0", (document_key,)
            )
        if touched:
            self._sql.execute(
                "UPDATE stores SET version = version + 1, chunks = chunks + ?,"
                " vectors = vectors + ? WHERE store_key = ?",
                (self._chunks.total(), self._vectors.total(), self._store_key),
            )
        if self._removed:
            self._shorten_log()

    def _keep_document(self, document: NewDocument) -> int:
        row = self._sql.execute(
            "SELECT document_key, content_hash, source_text IS NOT NULL FROM documents"
            " WHERE store_key = ? AND document_id = ?",
            (self._store_key, document.document_id),
        ).fetchone()
        if row is None:
            cursor = self._sql.execute(
                "INSERT INTO documents (store_key, document_id, created_at) VALUES (?, ?, ?)",
                (self._store_key, document.document_id, int(time.time())),
            )
            document_key = int(cursor.lastrowid or 0)
            self._describe(document_key, document)
            return document_key
        document_key, content_hash, has_text = row
        step = step_for(document, content_hash=content_hash, has_text=bool(has_text))
        if step == "replace":
            self._remove_where("document_key = ?", document_key)
        if step != "keep":
            self._describe(document_key, document)
        return document_key

    def _describe(self, document_key: int, document: NewDocument) -> None:
        self._sql.execute(
            "UPDATE documents SET content_hash = ?, title = ?, url = ?, source = ?, bytes = ?,"
            " source_text = ?, attributes = ? WHERE document_key = ?",
            (
                document.content_hash,
                document.title,
                document.url,
                document.source,
                len((document.text or "").encode()),
                document.text,
                document.attributes,
                document_key,
            ),
        )

    def _keep_chunk(self, chunk: NewChunk, document_key: int | None) -> None:
        chunk_key = self._find_same(chunk, document_key)
        if chunk_key is None:
            cursor = self._sql.execute(
                "INSERT INTO chunks (store_key, document_key, chunk_id, metadata, chunk_metadata,"
                " content) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._store_key,
                    document_key,
                    chunk.chunk_id,
                    chunk.metadata,
                    chunk.chunk_metadata,
                    chunk.content,
                ),
            )
            chunk_key = int(cursor.lastrowid or 0)
            self._chunks[document_key] += 1
        if chunk.embedding is not None:
            added = self._sql.execute(
                "INSERT INTO vectors (store_key, chunk_key, embedding) VALUES (?, ?, ?)"
                " ON CONFLICT (chunk_key) DO NOTHING",
                (self._store_key, chunk_key, chunk.embedding),
            ).rowcount
            if added:
                self._vectors[document_key] += 1

    def _find_same(self, chunk: NewChunk, document_key: int | None) -> int | None:
        """Find the chunk as it is already stored; what was stored in its place goes away."""
        row = self._sql.execute(
            "SELECT chunk_key, document_key, metadata, content, embedding"
            " FROM chunks LEFT JOIN vectors USING (chunk_key)"
            " WHERE chunks.store_key = ? AND chunk_id = ?",
            (self._store_key, chunk.chunk_id),
        ).fetchone()
        if row is None:
            return None
        chunk_key, *stored, embedding = row
        same_vector = embedding is None or chunk.embedding in {None, embedding}
        if same_vector and stored == [document_key, chunk.metadata, chunk.content]:
            self._sql.execute(
                "UPDATE chunks SET chunk_metadata = ? WHERE chunk_key = ? AND chunk_metadata != ?",
                (chunk.chunk_metadata, chunk_key, chunk.chunk_metadata),
            )
            return chunk_key
        self._remove_where("chunk_key = ?", chunk_key)
        return None

    def _remove_where(self, condition: str, *values: str | int) -> None:
        rows = self._sql.execute(
            f"SELECT chunk_key, document_key FROM chunks WHERE store_key = ? AND {condition}",  # noqa: S608 - a constant of this module
            (self._store_key, *values),
        ).fetchall()
        for chunk_key, document_key in rows:
            self._sql.execute(
                "INSERT INTO removals (store_key, chunk_key) VALUES (?, ?)",
                (self._store_key, chunk_key),
            )
            self._vectors[document_key] -= self._sql.execute(
                "DELETE FROM vectors WHERE chunk_key = ?", (chunk_key,)
            ).rowcount
            self._sql.execute("DELETE FROM chunks WHERE chunk_key = ?", (chunk_key,))
            self._chunks[document_key] -= 1
            self._removed = True

    def _shorten_log(self) -> None:
        newest: int = self._sql.execute(
            "SELECT max(removal_key) FROM removals WHERE store_key = ?", (self._store_key,)
        ).fetchone()[0]
        horizon = newest - REMOVALS_KEPT
        removed = self._sql.execute(
            "DELETE FROM removals WHERE store_key = ? AND removal_key <= ?",
            (self._store_key, horizon),
        ).rowcount
        if removed:
            self._sql.execute(
                "UPDATE stores SET log_horizon = ? WHERE store_key = ?", (horizon, self._store_key)
            )
