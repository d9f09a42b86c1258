"""The two indexes of one store, kept abreast of the file by its change log.

They are thrown away and built anew when they lag behind the log's horizon or when they do not hold
as many rows as the file says. The file is never doubted in their favour.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator
from typing import Final

import numpy as np

from lightspeed_stack_providers.faiss_hybrid import filters, stores
from lightspeed_stack_providers.faiss_hybrid.failures import DamagedContent
from lightspeed_stack_providers.faiss_hybrid.keyword_index import KeywordIndex, Text
from lightspeed_stack_providers.faiss_hybrid.selection import Selection
from lightspeed_stack_providers.faiss_hybrid.vector_index import VectorIndex
from lightspeed_stack_providers.vector_stores.chunks import headline_of
from lightspeed_stack_providers.vector_stores.languages import Language, analysis_of
from lightspeed_stack_providers.vector_stores.records import Store

_log = logging.getLogger(__name__)

_BATCH: Final = 1000
_REMEMBERED_FILTERS: Final = 16


class DerivedIndex:
    """Both indexes of the store `store_key`. Not thread-safe."""

    def __init__(self, store: Store, language: Language) -> None:
        self.store_key = store.store_key
        self._language: Language = language
        self.vectors = VectorIndex(store.embedding_dimension)
        self.words = KeywordIndex(language)
        self._version = 0
        self._last_chunk = 0
        self._last_vector = 0
        self._last_removal = 0
        self._selections: dict[str, Selection] = {}

    def can_follow(self, store: Store) -> bool:
        """Say whether the log still holds all that was removed since the last time.

        A store without vectors may have taken on another dimension.
        """
        if self.vectors.dimension != store.embedding_dimension:
            return False
        return self._version == 0 or self._last_removal >= store.log_horizon

    def follow(self, connection: sqlite3.Connection, store: Store) -> None:
        """Take in what changed since the last time."""
        if self._version == store.version:
            return
        removed = self._removed(connection) if self._version else self._skip_log(connection)
        self.words.change(
            add=self._new_texts(connection),
            remove=removed,
            expected=0 if self._version else store.chunks,
        )
        if removed:
            self.vectors.remove(removed)
            self._selections.clear()
        self._add_vectors(connection)
        self._version = store.version

    def agrees(self, store: Store) -> bool:
        """Say whether the indexes hold as many rows as the file."""
        return len(self.words) == store.chunks and len(self.vectors) == store.vectors

    def select(self, connection: sqlite3.Connection, wanted: filters.Filters) -> Selection:
        """Find the chunks that pass a filter; the last few answers are remembered.

        A remembered one is looked for among new chunks alone, for a chunk never changes.
        """
        sql, values = filters.to_sql(wanted)
        remembered = json.dumps([sql, values])
        known = self._selections.get(remembered)
        if known is not None and known.version == self._version:
            return known
        rows = connection.execute(
            f"SELECT chunk_key FROM chunks WHERE store_key = ? AND chunk_key > ? AND ({sql})",  # noqa: S608 - only operators and placeholders
            (self.store_key, known.last_chunk if known else 0, *values),
        )
        keys = np.sort(np.fromiter((key for (key,) in rows), np.int64))
        if known is not None:
            keys = np.concatenate([known.keys, keys])
        elif len(self._selections) >= _REMEMBERED_FILTERS:
            self._selections.clear()
        selection = Selection(keys, self.vectors.places_of(keys), self._version, self._last_chunk)
        self._selections[remembered] = selection
        return selection

    def _skip_log(self, connection: sqlite3.Connection) -> list[int]:
        newest = connection.execute(
            "SELECT max(removal_key) FROM removals WHERE store_key = ?", (self.store_key,)
        ).fetchone()[0]
        self._last_removal = newest or 0
        return []

    def _removed(self, connection: sqlite3.Connection) -> list[int]:
        rows = connection.execute(
            "SELECT removal_key, chunk_key FROM removals"
            " WHERE store_key = ? AND removal_key > ? ORDER BY removal_key",
            (self.store_key, self._last_removal),
        ).fetchall()
        if rows:
            self._last_removal = rows[-1][0]
        return [chunk_key for _, chunk_key in rows]

    def _new_texts(self, connection: sqlite3.Connection) -> Iterator[Text]:
        rows = connection.execute(
            "SELECT chunk_key, metadata, content FROM chunks"
            " WHERE store_key = ? AND chunk_key > ? ORDER BY chunk_key",
            (self.store_key, self._last_chunk),
        )
        for chunk_key, stored, content in rows:
            self._last_chunk = chunk_key
            metadata = json.loads(stored)
            analysis = analysis_of(metadata.get("language"), self._language)
            yield Text(chunk_key, headline_of(metadata), content, analysis)

    def _add_vectors(self, connection: sqlite3.Connection) -> None:
        cursor = connection.execute(
            "SELECT vector_key, chunk_key, embedding FROM vectors"
            " WHERE store_key = ? AND vector_key > ? ORDER BY vector_key",
            (self.store_key, self._last_vector),
        )
        while rows := cursor.fetchmany(_BATCH):
            self.vectors.add([(chunk_key, embedding) for _, chunk_key, embedding in rows])
            self._last_vector = rows[-1][0]


class DerivedIndexes:
    """The indexes of all stores of a file, made when a store is first searched."""

    def __init__(self, language: Language) -> None:
        self._language: Language = language
        self._by_store: dict[int, DerivedIndex] = {}

    def current(self, connection: sqlite3.Connection, store: Store) -> DerivedIndex:
        """Bring a store's indexes up to the snapshot that the connection sees.

        Raises `DamagedContent` or `sqlite3.Error` when the file is damaged.
        """
        # Whatever goes wrong under way, the half-done index is gone.
        index = self._by_store.pop(store.store_key, None)
        if index is None or not self._bring_up(index, connection, store):
            self._forget_deleted_stores(connection)
            index = DerivedIndex(store, self._language)
            index.follow(connection, store)
            if not index.agrees(store):
                raise DamagedContent("the counts of chunks and vectors are wrong")
        self._by_store[store.store_key] = index
        return index

    def adopt(self, index: DerivedIndex) -> None:
        """Take an index over that was built elsewhere, unless there is one already."""
        self._by_store.setdefault(index.store_key, index)

    def store_keys(self) -> set[int]:
        """Tell whose indexes are in memory."""
        return set(self._by_store)

    def _forget_deleted_stores(self, connection: sqlite3.Connection) -> None:
        kept = {store.store_key for store in stores.list_all(connection)}
        self._by_store = {key: index for key, index in self._by_store.items() if key in kept}

    def _bring_up(self, index: DerivedIndex, connection: sqlite3.Connection, store: Store) -> bool:
        if not index.can_follow(store):
            _log.info("vector store index outdated", extra={"store": store.store_id})
            return False
        try:
            index.follow(connection, store)
        except (RuntimeError, ValueError):  # what faiss and tantivy raise
            _log.exception("vector store index failed", extra={"store": store.store_id})
            return False
        if not index.agrees(store):
            _log.warning("vector store index damaged", extra={"store": store.store_id})
            return False
        return True
