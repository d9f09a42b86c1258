"""Stores, documents and chunks in a PostgreSQL database. Knows neither the API nor a model."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, override

import asyncpg
from llama_stack_api import EmbeddedChunk

from lightspeed_stack_providers.pgvector_async import search
from lightspeed_stack_providers.pgvector_async.config import PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.database import Database
from lightspeed_stack_providers.pgvector_async.failures import DatabaseUnusable
from lightspeed_stack_providers.pgvector_async.schema import Connection
from lightspeed_stack_providers.pgvector_async.stores import Stores
from lightspeed_stack_providers.pgvector_async.writing import Changes
from lightspeed_stack_providers.unspaced import with_words
from lightspeed_stack_providers.vector_stores import chunks as new_chunks
from lightspeed_stack_providers.vector_stores.chunks import embedded_chunk
from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.records import Document, SourceText, Store
from lightspeed_stack_providers.vector_stores.shelf import Found, Shelf

_DOCUMENTS: Final = (
    "SELECT document_key, document_id, created_at, content_hash, title, url, source, bytes, chunks,"
    " chunks - vectors, source_text IS NOT NULL FROM {prefix}documents WHERE store_key = $1"
)
_SOURCE_TEXT: Final = (
    "SELECT source_text, attributes FROM {prefix}documents WHERE document_key = $1"
)
_CHUNKS: Final = (
    "SELECT chunk_id, content, metadata::text, chunk_metadata::text, embedding::real[] AS embedding"
    " FROM {table} WHERE document_key = $1"
    " ORDER BY CASE jsonb_typeof(metadata -> 'start')"
    " WHEN 'number' THEN (metadata ->> 'start')::numeric END NULLS FIRST, chunk_key"
)


class DatabaseShelf(Shelf):
    """The shelf of one database; what it raises for an unusable one is `DatabaseUnusable`."""

    def __init__(self, config: PgvectorAsyncConfig) -> None:
        self._config = config
        self._database = Database(config)
        self._stores = Stores(config)

    @override
    async def open(self) -> None:
        await self.stores()

    @override
    async def stores(self) -> list[Store]:
        return await self._database.read(self._stores.list_all)

    @override
    async def store(self, store_id: str) -> Store:
        return await self._database.read(partial(self._stores.get, store_id=store_id))

    @override
    async def keep_store(self, store_id: str, *, name: str, model: str, dimension: int) -> Store:
        return await self._database.write(
            lambda sql: self._stores.keep(
                sql, store_id, name=name, model=model, dimension=dimension
            )
        )

    @override
    async def change_store(
        self,
        store_id: str,
        *,
        name: str | None,
        metadata: Mapping[str, Any] | None,
        expires_at: int | None,
    ) -> Store:
        return await self._database.write(
            lambda sql: self._stores.change(
                sql, store_id, name=name, metadata=metadata, expires_at=expires_at
            )
        )

    @override
    async def remove_store(self, store_id: str) -> bool:
        return await self._database.write(lambda sql: self._stores.remove(sql, store_id))

    @override
    async def replace_store(self, store_id: str, *, by: str) -> None:
        await self._database.write(lambda sql: self._stores.replace(sql, store_id, by=by))

    @override
    async def insert(self, store_id: str, chunks: Sequence[EmbeddedChunk]) -> None:
        async def insert(changes: Changes, store: Store) -> None:
            await changes.insert(*new_chunks.read(chunks, store))

        await self._change(store_id, insert)

    @override
    async def remove_chunks(self, store_id: str, chunk_ids: Sequence[str]) -> None:
        await self._change(
            store_id, lambda changes, _: changes.remove("chunk_id = ANY($1)", list(chunk_ids))
        )

    @override
    async def remove_document(self, store_id: str, document_id: str) -> bool:
        return await self._change(store_id, lambda changes, _: changes.remove_document(document_id))

    @override
    async def documents(self, store_id: str) -> tuple[Store, list[Document]]:
        async def read(sql: Connection) -> tuple[Store, list[Document]]:
            store = await self._stores.get(sql, store_id)
            listed = _DOCUMENTS.format(prefix=self._stores.prefix) + " ORDER BY document_key"
            rows = await sql.fetch(listed, store.store_key)
            return store, [Document(*row) for row in rows]

        return await self._database.read(read)

    @override
    async def document(self, store_id: str, document_id: str) -> Document | None:
        return await self._database.read(
            lambda sql: self._find_document(sql, store_id, document_id)
        )

    @override
    async def source_text(self, store_id: str, document_id: str) -> SourceText | None:
        async def read(sql: Connection) -> SourceText | None:
            document = await self._find_document(sql, store_id, document_id)
            if document is None:
                return None
            statement = _SOURCE_TEXT.format(prefix=self._stores.prefix)
            row = await sql.fetchrow(statement, document.document_key)
            if row is None or row["source_text"] is None:
                return None
            return SourceText(row["source_text"], json.loads(row["attributes"]))

        return await self._database.read(read)

    @override
    async def chunks(self, store_id: str, document_id: str) -> list[EmbeddedChunk]:
        async def read(sql: Connection) -> list[EmbeddedChunk]:
            store = await self._stores.get(sql, store_id)
            document = await self._find_document(sql, store_id, document_id)
            if document is None:
                return []
            statement = _CHUNKS.format(table=self._stores.chunks_of(store))
            rows = await sql.fetch(statement, document.document_key)
            return [_embedded_chunk(row, store) for row in rows]

        try:
            return await self._database.read(read)
        except DatabaseUnusable as error:
            if not _lost_its_table(error):
                raise
            return await self._database.read(read)

    @override
    async def search(self, query: SearchQuery) -> Found | None:
        try:
            return await self._database.read(lambda sql: self._found(sql, query))
        except DatabaseUnusable as error:
            if _lost_its_table(error):
                return None
            raise

    @override
    async def close(self) -> None:
        await self._database.close()

    async def _found(self, sql: Connection, query: SearchQuery) -> Found | None:
        store = await self._stores.get(sql, query.store_id)
        if store.store_key != query.store_key:
            return None
        query.require_dimension(store)
        table = self._stores.chunks_of(store)
        await self._tune(sql, query, store, table)
        words = await self._words(sql, query, store) if query.mode != "vector" else []
        statement, values = search.ranked(query, table=table, chunks=store.chunks, words=words)
        rows = await sql.fetch(statement, *values)
        return [(_embedded_chunk(row, store), float(row["score"])) for row in rows]

    async def _tune(self, sql: Connection, query: SearchQuery, store: Store, table: str) -> None:
        """Compare all vectors where few can be the answer, else go by the index."""
        if query.vector is None or query.mode == "keyword":
            return
        is_exact = store.vectors <= search.EXACT_BELOW
        if not is_exact and query.filters is not None:
            statement = search.Statement()
            condition = search.among(query, statement)
            passing = await sql.fetchval(
                search.PASSING.format(table=table, among=condition), *statement.values
            )
            is_exact = passing <= search.EXACT_BELOW
        depth = max(self._config.hnsw.ef_search, query.depth)
        await sql.execute(
            "SELECT set_config('enable_indexscan', $1, true),"
            " set_config('hnsw.ef_search', $2, true),"
            " set_config('hnsw.iterative_scan', 'strict_order', true)",
            "off" if is_exact else "on",
            str(min(depth, 1000)),
        )

    async def _words(self, sql: Connection, query: SearchQuery, store: Store) -> list[str]:
        analyses = await self._stores.analyses(sql, store)
        question = with_words(query.text[: search.LONGEST_QUESTION].replace("\0", " "))
        rows = await sql.fetch(search.WORDS, analyses, question)
        return [row["lexeme"] for row in rows]

    async def _find_document(
        self, sql: Connection, store_id: str, document_id: str
    ) -> Document | None:
        store = await self._stores.get(sql, store_id)
        found = _DOCUMENTS.format(prefix=self._stores.prefix) + " AND document_id = $2"
        row = await sql.fetchrow(found, store.store_key, document_id)
        return None if row is None else Document(*row)

    async def _change[T](self, store_id: str, work: Callable[[Changes, Store], Awaitable[T]]) -> T:
        async def change(sql: Connection) -> T:
            store = await self._stores.get(sql, store_id, locked=True)
            changes = Changes(sql, self._stores, store, self._config.keyword_language)
            result = await work(changes, store)
            await changes.finish()
            return result

        return await self._database.write(change)


def _lost_its_table(error: DatabaseUnusable) -> bool:
    """Say whether a store was replaced or removed between two statements."""
    return isinstance(error.__cause__, asyncpg.UndefinedTableError)


def _embedded_chunk(row: Any, store: Store) -> EmbeddedChunk:
    chunk_id, content, metadata, chunk_metadata, embedding, *_ = row
    return embedded_chunk((chunk_id, content, metadata, chunk_metadata, embedding), store)
