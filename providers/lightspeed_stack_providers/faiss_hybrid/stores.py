"""The stores of a file: which model and dimension they were made with, and how big they are."""

import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from llama_stack_api import VectorStoreNotFoundError

from lightspeed_stack_providers.vector_stores.records import Store


def find(connection: sqlite3.Connection, store_id: str) -> Store | None:
    """Look a store up."""
    row = connection.execute("SELECT * FROM stores WHERE store_id = ?", (store_id,)).fetchone()
    return None if row is None else Store(*row)


def get(connection: sqlite3.Connection, store_id: str) -> Store:
    """Look a store up that must be there. Raises `VectorStoreNotFoundError`."""
    if (store := find(connection, store_id)) is None:
        raise VectorStoreNotFoundError(store_id)
    return store


def list_all(connection: sqlite3.Connection) -> list[Store]:
    """List the stores in the order of their creation."""
    return [Store(*row) for row in connection.execute("SELECT * FROM stores ORDER BY store_key")]


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
    delete(connection, store_id)
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


def delete(connection: sqlite3.Connection, store_id: str) -> bool:
    """Remove a store with all that it holds; say whether it was there."""
    return connection.execute("DELETE FROM stores WHERE store_id = ?", (store_id,)).rowcount > 0
