"""The stores of a file: which model and dimension they were made with, and how big they are."""

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llama_stack_api import ConflictError, VectorStoreNotFoundError


@dataclass(frozen=True, slots=True)
class Store:
    """A row of `stores`. `version` grows with every change of the store's chunks."""

    store_key: int
    store_id: str
    name: str
    embedding_model: str
    embedding_dimension: int
    created_at: int
    attributes: str
    version: int
    chunks: int
    vectors: int
    log_horizon: int

    @property
    def metadata(self) -> dict[str, Any]:
        """What the client keeps beside the store."""
        return json.loads(self.attributes)


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
) -> None:
    """Keep a store, or find it as it was. Raises `ConflictError` when its vectors do not fit."""
    stored = find(connection, store_id)
    if stored is None:
        connection.execute(
            "INSERT INTO stores (store_id, name, embedding_model, embedding_dimension, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (store_id, name, model, dimension, int(time.time())),
        )
    elif (stored.embedding_model, stored.embedding_dimension) != (model, dimension):
        raise ConflictError(
            f"Vector store '{store_id}' holds vectors of the model '{stored.embedding_model}' "
            f"(dimension {stored.embedding_dimension}), but is configured for '{model}' "
            f"(dimension {dimension}); the two cannot be compared. Configure the stored model "
            "again, or give the store another id (or db_path another file) and index the "
            "documents anew."
        )


def update(
    connection: sqlite3.Connection,
    store_id: str,
    *,
    name: str | None,
    metadata: Mapping[str, Any] | None,
) -> Store:
    """Rename a store or replace its metadata; None leaves things as they are."""
    stored = get(connection, store_id)
    connection.execute(
        "UPDATE stores SET name = ?, attributes = ? WHERE store_key = ?",
        (
            stored.name if name is None else name,
            stored.attributes if metadata is None else json.dumps(dict(metadata)),
            stored.store_key,
        ),
    )
    return get(connection, store_id)


def delete(connection: sqlite3.Connection, store_id: str) -> bool:
    """Remove a store with all that it holds; say whether it was there."""
    return connection.execute("DELETE FROM stores WHERE store_id = ?", (store_id,)).rowcount > 0
