"""Changes of a store's chunks and documents, each within the transaction of its caller.

The caller holds the lock of the store's row, so changes of one store follow each other.
"""

import json
import re
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from lightspeed_stack_providers.pgvector_async.schema import Connection
from lightspeed_stack_providers.pgvector_async.stores import Stores
from lightspeed_stack_providers.unspaced import with_words
from lightspeed_stack_providers.vector_stores.chunks import NewChunk, NewDocument, headline_of
from lightspeed_stack_providers.vector_stores.languages import Language, analysis_of
from lightspeed_stack_providers.vector_stores.records import Store
from lightspeed_stack_providers.vector_stores.versions import step_for

# A tsvector holds a megabyte at most; a chunk of this many characters is no chunk any more.
_MOST_CHARACTERS: Final = 200_000
# A NUL in JSON, but not a backslash before `u0000`.
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_REMOVE: Final = (
    "DELETE FROM {table} WHERE {condition}"
    " RETURNING document_key, embedding IS NOT NULL AS has_vector"
)
_FIND_DOCUMENT: Final = (
    "SELECT document_key, content_hash, source_text IS NOT NULL AS has_text FROM {documents}"
    " WHERE store_key = $1 AND document_id = $2"
)
_ADD_DOCUMENT: Final = (
    "INSERT INTO {documents} (store_key, document_id, created_at) VALUES ($1, $2, $3)"
    " RETURNING document_key"
)
_DESCRIBE: Final = (
    "UPDATE {documents} SET content_hash = $1, title = $2, url = $3, source = $4, bytes = $5,"
    " source_text = $6, attributes = $7 WHERE document_key = $8"
)
_OTHERS_OF_DOCUMENT: Final = "document_key = $1 AND chunk_id <> ALL($2::text[])"
_COUNT_DOCUMENT: Final = (
    "UPDATE {documents} SET chunks = chunks + $1, vectors = vectors + $2 WHERE document_key = $3"
)
_DROP_EMPTY: Final = "DELETE FROM {documents} WHERE document_key = $1 AND chunks = 0"
_COUNT_STORE: Final = (
    "UPDATE {stores} SET version = version + 1, chunks = chunks + $1, vectors = vectors + $2,"
    " analyses = ARRAY(SELECT DISTINCT unnest(analyses || $3::text[])) WHERE store_key = $4"
)
_FIND_CHUNKS: Final = (
    "SELECT chunk_key, chunk_id, document_key, metadata::text, chunk_metadata::text, content,"
    " embedding::real[] AS embedding FROM {table} WHERE chunk_id = ANY($1::text[])"
)
_DESCRIBE_CHUNK: Final = "UPDATE {table} SET chunk_metadata = $1::text::jsonb WHERE chunk_key = $2"
_ADD_VECTOR: Final = "UPDATE {table} SET embedding = $1::real[]::vector WHERE chunk_key = $2"
_ADD_CHUNK: Final = (
    "INSERT INTO {table} (document_key, chunk_id, metadata, chunk_metadata, content, words,"
    " embedding) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb, $5,"
    " setweight(to_tsvector($6::text::regconfig, $7), 'A')"
    " || setweight(to_tsvector($6::text::regconfig, $8), 'B'), $9::real[]::vector)"
)


class Changes:
    """One change of a store; `finish` closes its books."""

    def __init__(self, sql: Connection, stores: Stores, store: Store, language: Language) -> None:
        self._sql = sql
        self._stores = stores
        self._store = store
        self._language: Language = language
        self._table = stores.chunks_of(store)
        self._documents = f"{stores.prefix}documents"
        self._analyses: set[str] = set()
        # By document, with None for chunks of none.
        self._chunks: Counter[int | None] = Counter()
        self._vectors: Counter[int | None] = Counter()

    async def insert(self, chunks: Sequence[NewChunk], documents: Sequence[NewDocument]) -> None:
        """Take chunks in. Raises `ConflictError` for those of a version that was replaced."""
        keys = {each.document_id: await self._keep_document(each) for each in documents}
        # Of two with one id the later one counts.
        wanted = {chunk.chunk_id: chunk for chunk in chunks}
        kept = await self._kept(wanted, keys)
        await self._insert([each for each in wanted.values() if each.chunk_id not in kept], keys)
        for document in documents:
            if document.is_whole:
                await self.remove(
                    _OTHERS_OF_DOCUMENT,
                    keys[document.document_id],
                    [key for key in wanted if wanted[key].document_id == document.document_id],
                )

    async def remove(self, condition: str, *values: Any) -> None:
        """Remove the chunks that meet a condition over `$1` and what follows."""
        rows = await self._sql.fetch(
            self._statement(_REMOVE, condition=condition),
            *values,
        )
        for row in rows:
            self._chunks[row["document_key"]] -= 1
            self._vectors[row["document_key"]] -= row["has_vector"]

    async def remove_document(self, document_id: str) -> bool:
        """Remove a document with its chunks; say whether it was there."""
        key = await self._sql.fetchval(
            self._statement(_FIND_DOCUMENT), self._store.store_key, document_id
        )
        if key is None:
            return False
        await self.remove("document_key = $1", key)
        return True

    async def finish(self) -> None:
        """Remove documents that lost their last chunk, and count."""
        touched = self._chunks.keys() | self._vectors.keys()
        for key in touched - {None}:
            await self._sql.execute(
                self._statement(_COUNT_DOCUMENT),
                self._chunks[key],
                self._vectors[key],
                key,
            )
            await self._sql.execute(
                self._statement(_DROP_EMPTY),
                key,
            )
        if touched:
            await self._sql.execute(
                self._statement(_COUNT_STORE),
                self._chunks.total(),
                self._vectors.total(),
                sorted(self._analyses),
                self._store.store_key,
            )

    def _statement(self, template: str, **parts: str) -> str:
        return template.format(
            table=self._table, documents=self._documents, stores=self._stores.table, **parts
        )

    async def _keep_document(self, document: NewDocument) -> int:
        row = await self._sql.fetchrow(
            self._statement(_FIND_DOCUMENT),
            self._store.store_key,
            document.document_id,
        )
        if row is None:
            key = await self._sql.fetchval(
                self._statement(_ADD_DOCUMENT),
                self._store.store_key,
                document.document_id,
                int(time.time()),
            )
            await self._describe(int(key), document)
            return int(key)
        key = int(row["document_key"])
        step = step_for(document, content_hash=row["content_hash"], has_text=row["has_text"])
        if step == "replace":
            await self.remove("document_key = $1", key)
        if step != "keep":
            await self._describe(key, document)
        return key

    async def _describe(self, key: int, document: NewDocument) -> None:
        await self._sql.execute(
            self._statement(_DESCRIBE),
            document.content_hash,
            _text(document.title),
            _text(document.url),
            _text(document.source),
            len((document.text or "").encode()),
            _text(document.text),
            _json(document.attributes),
            key,
        )

    async def _kept(self, wanted: dict[str, NewChunk], keys: dict[str, int]) -> set[str]:
        """Find the chunks that are stored as they are wanted; others of these ids go away."""
        rows = await self._sql.fetch(
            self._statement(_FIND_CHUNKS),
            list(wanted),
        )
        kept: set[str] = set()
        for row in rows:
            chunk = wanted[row["chunk_id"]]
            if not _is_same(chunk, row, keys.get(chunk.document_id or "")):
                await self.remove("chunk_key = $1", row["chunk_key"])
                continue
            kept.add(chunk.chunk_id)
            await self._complete(chunk, row)
        return kept

    async def _complete(self, chunk: NewChunk, row: Any) -> None:
        lacks_vector = row["embedding"] is None and chunk.embedding is not None
        if json.loads(row["chunk_metadata"]) != json.loads(chunk.chunk_metadata):
            await self._sql.execute(
                self._statement(_DESCRIBE_CHUNK),
                _json(chunk.chunk_metadata),
                row["chunk_key"],
            )
        if lacks_vector:
            await self._sql.execute(
                self._statement(_ADD_VECTOR),
                _floats(chunk.embedding),
                row["chunk_key"],
            )
            self._vectors[row["document_key"]] += 1

    async def _insert(self, chunks: Sequence[NewChunk], keys: dict[str, int]) -> None:
        rows = [self._row(chunk, keys.get(chunk.document_id or "")) for chunk in chunks]
        await self._sql.executemany(
            self._statement(_ADD_CHUNK),
            rows,
        )

    def _row(self, chunk: NewChunk, document_key: int | None) -> tuple[Any, ...]:
        metadata = json.loads(chunk.metadata)
        analysis = analysis_of(metadata.get("language"), self._language)
        self._analyses.add(analysis)
        self._chunks[document_key] += 1
        self._vectors[document_key] += chunk.embedding is not None
        content = _text(chunk.content) or ""
        headline = _text(headline_of(metadata)) or ""
        return (
            document_key,
            chunk.chunk_id,
            _json(chunk.metadata),
            _json(chunk.chunk_metadata),
            content,
            analysis,
            with_words(headline[:_MOST_CHARACTERS]),
            with_words(content[:_MOST_CHARACTERS]),
            _floats(chunk.embedding),
        )


def _is_same(chunk: NewChunk, row: Any, document_key: int | None) -> bool:
    vector = row["embedding"]
    same_vector = vector is None or _floats(chunk.embedding) in (None, list(vector))
    return (
        same_vector
        and row["document_key"] == document_key
        and row["content"] == _text(chunk.content)
        and json.loads(row["metadata"]) == json.loads(_json(chunk.metadata))
    )


def _floats(embedding: bytes | None) -> list[float] | None:
    if embedding is None:
        return None
    return list(struct.unpack(f"<{len(embedding) // 4}f", embedding))


def _text(text: str | None) -> str | None:
    """Replace what PostgreSQL stores in no text by another character."""
    return None if text is None else text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _json(text: str) -> str:
    return _NUL.sub(r"\1\\ufffd", text)
