"""The stores of a file: which model and dimension they were made with, and how big they are."""

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llama_stack_api import VectorStoreNotFoundError

# Among the attributes; a client's own keys do not begin so.
_EXPIRES_AT: Final = "$expires_at"


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
        attributes = json.loads(self.attributes)
        return {key: value for key, value in attributes.items() if key != _EXPIRES_AT}

    @property
    def expires_at(self) -> int | None:
        """When the store ends to answer, in seconds since 1970."""
        return json.loads(self.attributes).get(_EXPIRES_AT)

    @property
    def is_expired(self) -> bool:
        """Say whether the store answers no more."""
        return self.expires_at is not None and self.expires_at <= time.time()


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
    attributes = stored.metadata if metadata is None else dict(metadata)
    if (ends := expires_at or stored.expires_at) is not None:
        attributes[_EXPIRES_AT] = ends
    connection.execute(
        "UPDATE stores SET name = ?, attributes = ? WHERE store_key = ?",
        (stored.name if name is None else name, json.dumps(attributes), stored.store_key),
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
