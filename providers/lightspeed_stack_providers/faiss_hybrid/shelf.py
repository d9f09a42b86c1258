"""Stores, documents and chunks in one SQLite file. Knows neither the stack's API nor a model."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, override

from llama_stack_api import EmbeddedChunk

from lightspeed_stack_providers.faiss_hybrid import documents, stores
from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.faiss_hybrid.file import StoreFile
from lightspeed_stack_providers.faiss_hybrid.sweeping import Sweeper
from lightspeed_stack_providers.faiss_hybrid.warming import Warmer
from lightspeed_stack_providers.faiss_hybrid.writing import Changes
from lightspeed_stack_providers.vector_stores import chunks as new_chunks
from lightspeed_stack_providers.vector_stores.query import SearchQuery
from lightspeed_stack_providers.vector_stores.records import Document, SourceText, Store
from lightspeed_stack_providers.vector_stores.shelf import Found, Shelf

if TYPE_CHECKING:
    from lightspeed_stack_providers.faiss_hybrid.search import Searcher


class FileShelf(Shelf):
    """The shelf of one file; what it raises for an unusable file is `StoreFileUnusable`."""

    def __init__(self, config: FaissHybridConfig) -> None:
        self._file = StoreFile(config.db_path)
        self._config = config
        self._sweeper = Sweeper(config.db_path, stores.sweep)
        self._warmer = Warmer(config.db_path, config.keyword_language)
        self._searcher: Searcher | None = None

    @override
    async def open(self) -> None:
        if await self._file.read(stores.has_removed):
            self._sweeper.start()
        self._warmer.start(await self._file.read(stores.list_all))

    @override
    async def stores(self) -> list[Store]:
        return await self._file.read(stores.list_all)

    @override
    async def store(self, store_id: str) -> Store:
        return await self._file.read(lambda connection: stores.get(connection, store_id))

    @override
    async def keep_store(self, store_id: str, *, name: str, model: str, dimension: int) -> Store:
        return await self._file.write(
            lambda connection: stores.register(
                connection, store_id, name=name, model=model, dimension=dimension
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
        return await self._file.write(
            lambda connection: stores.update(
                connection, store_id, name=name, metadata=metadata, expires_at=expires_at
            )
        )

    @override
    async def remove_store(self, store_id: str) -> bool:
        removed = await self._file.write(lambda connection: stores.remove(connection, store_id))
        await self._sweep()
        return removed

    @override
    async def replace_store(self, store_id: str, *, by: str) -> None:
        await self._file.write(lambda connection: stores.replace(connection, store_id, by=by))
        await self._sweep()

    @override
    async def insert(self, store_id: str, chunks: Sequence[EmbeddedChunk]) -> None:
        def insert(changes: Changes, store: Store) -> None:
            changes.insert(*new_chunks.read(chunks, store))

        await self._change(store_id, insert)

    @override
    async def remove_chunks(self, store_id: str, chunk_ids: Sequence[str]) -> None:
        await self._change(store_id, lambda changes, _: changes.remove(chunk_ids))

    @override
    async def remove_document(self, store_id: str, document_id: str) -> bool:
        return await self._change(store_id, lambda changes, _: changes.remove_document(document_id))

    @override
    async def documents(self, store_id: str) -> tuple[Store, list[Document]]:
        def read(connection: sqlite3.Connection) -> tuple[Store, list[Document]]:
            store = stores.get(connection, store_id)
            return store, documents.list_all(connection, store)

        return await self._file.read(read)

    @override
    async def document(self, store_id: str, document_id: str) -> Document | None:
        def read(connection: sqlite3.Connection) -> Document | None:
            return documents.find(connection, stores.get(connection, store_id), document_id)

        return await self._file.read(read)

    @override
    async def source_text(self, store_id: str, document_id: str) -> SourceText | None:
        def read(connection: sqlite3.Connection) -> SourceText | None:
            document = documents.find(connection, stores.get(connection, store_id), document_id)
            return None if document is None else documents.source_text(connection, document)

        return await self._file.read(read)

    @override
    async def chunks(self, store_id: str, document_id: str) -> list[EmbeddedChunk]:
        def read(connection: sqlite3.Connection) -> list[EmbeddedChunk]:
            store = stores.get(connection, store_id)
            document = documents.find(connection, store, document_id)
            return [] if document is None else documents.chunks(connection, store, document)

        return await self._file.read(read)

    @override
    async def search(self, query: SearchQuery) -> Found | None:
        warmed = await self._warmer.take(query.store_key)

        def search(connection: sqlite3.Connection) -> Found | None:
            searcher = self._loaded_searcher()
            if warmed is not None:
                searcher.indexes.adopt(warmed)
            return searcher.search(connection, query)

        return await self._file.read(search)

    @override
    async def close(self) -> None:
        await self._warmer.close()
        await self._sweeper.close()
        await self._file.close()

    async def _sweep(self) -> None:
        await asyncio.wrap_future(self._sweeper.start())

    async def _change[T](self, store_id: str, work: Callable[[Changes, Store], T]) -> T:
        def change(connection: sqlite3.Connection) -> T:
            store = stores.get(connection, store_id)
            changes = Changes(connection, store)
            result = work(changes, store)
            changes.finish()
            return result

        return await self._file.write(change)

    def _loaded_searcher(self) -> "Searcher":
        if self._searcher is None:
            # faiss, numpy and tantivy: a stack that never searches does not pay for them.
            from lightspeed_stack_providers.faiss_hybrid.search import Searcher  # noqa: PLC0415

            self._searcher = Searcher(self._config.keyword_language)
        return self._searcher
