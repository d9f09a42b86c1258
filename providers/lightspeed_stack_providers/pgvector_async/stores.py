"""The stores of a database: which model and dimension they were made with, and how big they are."""

import time
from collections.abc import Mapping
from typing import Any, Final

from llama_stack_api import VectorStoreNotFoundError

from lightspeed_stack_providers.pgvector_async import schema
from lightspeed_stack_providers.pgvector_async.config import PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.schema import Connection
from lightspeed_stack_providers.vector_stores.records import Store

_COLUMNS: Final = (
    "store_key, store_id, name, embedding_model, embedding_dimension, created_at, attributes,"
    " version, chunks, vectors"
)
_LIST: Final = "SELECT {columns} FROM {table} ORDER BY store_key"
_FIND: Final = "SELECT {columns} FROM {table} WHERE store_id = $1{lock}"
_MAKE: Final = (
    "INSERT INTO {table} (store_id, name, embedding_model, embedding_dimension, created_at)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (store_id) DO NOTHING RETURNING store_key"
)
_CHANGE: Final = "UPDATE {table} SET name = $1, attributes = $2 WHERE store_key = $3"
_REMOVE: Final = "DELETE FROM {table} WHERE store_key = $1"
_SUCCEED: Final = (
    "UPDATE {table} SET store_id = $1, name = $2, created_at = $3, attributes = $4"
    " WHERE store_key = $5"
)
_ANALYSES: Final = "SELECT analyses FROM {table} WHERE store_key = $1"
_TAKE_ON: Final = (
    "UPDATE {table} SET embedding_model = $1, embedding_dimension = $2 WHERE store_key = $3"
)


class Stores:
    """The table of stores, and the tables of their chunks."""

    def __init__(self, config: PgvectorAsyncConfig) -> None:
        self.prefix = config.table_prefix
        self._hnsw = config.hnsw
        self.table = f"{self.prefix}stores"

    def chunks_of(self, store: Store) -> str:
        """Name the table of a store's chunks."""
        return f"{self.prefix}chunks_{store.store_key}"

    async def list_all(self, sql: Connection) -> list[Store]:
        """List the stores in the order of their creation."""
        rows = await sql.fetch(self._sql(_LIST))
        return [Store(*row) for row in rows]

    async def get(self, sql: Connection, store_id: str, *, locked: bool = False) -> Store:
        """Look a store up, and let nobody else change it. Raises `VectorStoreNotFoundError`."""
        store = await self._find(sql, store_id, locked=locked)
        if store is None and locked:
            # Who waited for the lock of a store that was replaced meanwhile has to look once more.
            store = await self._find(sql, store_id, locked=locked)
        if store is None:
            raise VectorStoreNotFoundError(store_id)
        return store

    async def keep(
        self, sql: Connection, store_id: str, *, name: str, model: str, dimension: int
    ) -> Store:
        """Make a store, or find it as it was; one without a vector takes the model on."""
        made = await sql.fetchval(
            self._sql(_MAKE),
            store_id,
            name,
            model,
            dimension,
            int(time.time()),
        )
        stored = await self.get(sql, store_id, locked=True)
        if made is not None:
            await schema.create_chunks(
                sql, self.chunks_of(stored), dimension=dimension, hnsw=self._hnsw
            )
        elif not stored.vectors and (model, dimension) != (
            stored.embedding_model,
            stored.embedding_dimension,
        ):
            await self._take_on(sql, stored, model=model, dimension=dimension)
        return await self.get(sql, store_id)

    async def change(
        self,
        sql: Connection,
        store_id: str,
        *,
        name: str | None,
        metadata: Mapping[str, Any] | None,
        expires_at: int | None,
    ) -> Store:
        """Rename a store, replace its metadata or let it expire; None changes nothing."""
        stored = await self.get(sql, store_id, locked=True)
        await sql.execute(
            self._sql(_CHANGE),
            stored.name if name is None else name,
            stored.changed_attributes(metadata=metadata, expires_at=expires_at),
            stored.store_key,
        )
        return await self.get(sql, store_id)

    async def remove(self, sql: Connection, store_id: str) -> bool:
        """Remove a store with all that it holds; say whether it was there."""
        stored = await self._find(sql, store_id, locked=True)
        if stored is None:
            return False
        await sql.execute(self._sql(_REMOVE), stored.store_key)
        await sql.execute(f"DROP TABLE {self.chunks_of(stored)}")
        return True

    async def replace(self, sql: Connection, store_id: str, *, by: str) -> None:
        """Let a store serve what another one holds, which is gone then."""
        replaced = await self.get(sql, store_id, locked=True)
        successor = await self.get(sql, by, locked=True)
        if replaced.store_key == successor.store_key:
            return
        await self.remove(sql, store_id)
        await sql.execute(
            self._sql(_SUCCEED),
            replaced.store_id,
            replaced.name,
            replaced.created_at,
            replaced.attributes,
            successor.store_key,
        )

    async def analyses(self, sql: Connection, store: Store) -> list[str]:
        """Tell by which languages the words of a store were taken in."""
        found = await sql.fetchval(
            self._sql(_ANALYSES),
            store.store_key,
        )
        return list(found or ())

    def _sql(self, template: str, **parts: str) -> str:
        return template.format(table=self.table, columns=_COLUMNS, **parts)

    async def _find(self, sql: Connection, store_id: str, *, locked: bool) -> Store | None:
        lock = " FOR UPDATE" if locked else ""
        row = await sql.fetchrow(self._sql(_FIND, lock=lock), store_id)
        return None if row is None else Store(*row)

    async def _take_on(self, sql: Connection, store: Store, *, model: str, dimension: int) -> None:
        table = self.chunks_of(store)
        await sql.execute(
            self._sql(_TAKE_ON),
            model,
            dimension,
            store.store_key,
        )
        if dimension != store.embedding_dimension:
            await sql.execute(f"ALTER TABLE {table} DROP COLUMN embedding")
            await schema.add_vectors(sql, table, dimension=dimension, hnsw=self._hnsw)
