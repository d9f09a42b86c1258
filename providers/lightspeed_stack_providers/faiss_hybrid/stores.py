"""The stores of a file: which model and dimension they were made with, and how big they are."""

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from llama_stack_api import VectorStoreNotFoundError

from lightspeed_stack_providers.vector_stores.records import Store

_STORES: Final = (
    "SELECT store_key, store_id, name, embedding_model, embedding_dimension, created_at,"
    " attributes, version, chunks, vectors, log_horizon FROM stores WHERE NOT is_removed"
)
# Each takes so little that it is a few milliseconds of work.
_SWEEPS: Final = (
    "DELETE FROM removals WHERE removal_key IN"
    " (SELECT removal_key FROM removals WHERE store_key = ? LIMIT 2000)",
    "DELETE FROM chunks WHERE chunk_key IN"
    " (SELECT chunk_key FROM chunks WHERE store_key = ? LIMIT 200)",
    "DELETE FROM documents WHERE document_key IN"
    " (SELECT document_key FROM documents WHERE store_key = ? LIMIT 20)",
    "DELETE FROM stores WHERE store_key = ?",
)


def find(connection: sqlite3.Connection, store_id: str) -> Store | None:
    """Look a store up."""
    row = connection.execute(_STORES + " AND store_id = ?", (store_id,)).fetchone()
    return None if row is None else Store(*row)


def get(connection: sqlite3.Connection, store_id: str) -> Store:
    """Look a store up that must be there. Raises `VectorStoreNotFoundError`."""
    if (store := find(connection, store_id)) is None:
        raise VectorStoreNotFoundError(store_id)
    return store


def list_all(connection: sqlite3.Connection) -> list[Store]:
    """List the stores in the order of their creation."""
    return [Store(*row) for row in connection.execute(_STORES + " ORDER BY store_key")]


def register(
    connection: sqlite3.Connection, store_id: str, *, name: str, model: str, dimension: int
) -> Store:
    """Keep a store, or find it as it was; one without a vector takes the model on."""
    stored = find(connection, store_id)
    if stored is None:
        connection.execute(
            "INSERT INTO stores (store_id, name, embedding_model, embedding_dimension, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (store_id, name, model, dimension, int(time.time())),
        )
    elif not stored.vectors:
        connection.execute(
            "UPDATE stores SET embedding_model = ?, embedding_dimension = ? WHERE store_key = ?",
            (model, dimension, stored.store_key),
        )
    return get(connection, store_id)


def update(
    connection: sqlite3.Connection,
    store_id: str,
    *,
    name: str | None,
    metadata: Mapping[str, Any] | None,
    expires_at: int | None = None,
) -> Store:
    """Rename a store, replace its metadata or let it expire; None leaves things as they are."""
    stored = get(connection, store_id)
    attributes = stored.changed_attributes(metadata=metadata, expires_at=expires_at)
    connection.execute(
        "UPDATE stores SET name = ?, attributes = ? WHERE store_key = ?",
        (stored.name if name is None else name, attributes, stored.store_key),
    )
    return get(connection, store_id)


def replace(connection: sqlite3.Connection, store_id: str, *, by: str) -> None:
    """Let a store serve what another one holds, which is gone then.

    The first keeps its id, name, age and attributes. Raises `VectorStoreNotFoundError`.
    """
    replaced, successor = get(connection, store_id), get(connection, by)
    if replaced == successor:
        return
    remove(connection, store_id)
    connection.execute(
        "UPDATE stores SET store_id = ?, name = ?, created_at = ?, attributes = ?"
        " WHERE store_key = ?",
        (
            replaced.store_id,
            replaced.name,
            replaced.created_at,
            replaced.attributes,
            successor.store_key,
        ),
    )


def remove(connection: sqlite3.Connection, store_id: str) -> bool:
    """Let a store be gone for everybody; what it held is left to `sweep`."""
    removed = connection.execute(
        "UPDATE stores SET is_removed = 1, store_id = ? WHERE store_id = ? AND NOT is_removed",
        (f"removed-{uuid4().hex}", store_id),
    )
    return removed.rowcount > 0


def has_removed(connection: sqlite3.Connection) -> bool:
    """Say whether anything is left of stores that were removed."""
    return connection.execute("SELECT 1 FROM stores WHERE is_removed").fetchone() is not None


def sweep(connection: sqlite3.Connection) -> bool:
    """Take a little of what is left of a removed store away; say whether there was anything."""
    row = connection.execute("SELECT store_key FROM stores WHERE is_removed").fetchone()
    if row is None:
        return False
    return any(connection.execute(statement, row).rowcount for statement in _SWEEPS)
