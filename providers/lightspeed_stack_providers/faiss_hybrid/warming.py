"""Brings big stores into memory when the file is opened, so that no question waits for that.

Each is built in a thread with a connection of its own and handed over to the thread that searches,
which goes on from there. Small stores are left to their first question.
"""

import logging
import sqlite3
import threading
from asyncio import shield, to_thread, wrap_future
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lightspeed_stack_providers.background import step_back
from lightspeed_stack_providers.faiss_hybrid import schema, stores
from lightspeed_stack_providers.faiss_hybrid.failures import DamagedContent
from lightspeed_stack_providers.vector_stores.languages import Language
from lightspeed_stack_providers.vector_stores.records import Store

if TYPE_CHECKING:
    from lightspeed_stack_providers.faiss_hybrid.derived import DerivedIndex

# About half a second of work on one slow core.
BIG: Final = 5_000
_NICENESS: Final = 5
# Of SQLite's virtual machine, between two looks at whether to stop.
_STEPS: Final = 20_000

_log = logging.getLogger(__name__)


class Warmer:
    """Indexes of stores by their key, under way or ready to be taken, each by one search."""

    def __init__(self, path: Path, language: Language) -> None:
        self._path = path
        self._language: Language = language
        self._executor = ThreadPoolExecutor(
            1,
            thread_name_prefix="faiss-hybrid-warm",
            initializer=step_back,
            initargs=(_NICENESS,),
        )
        self._is_closing = threading.Event()
        self._building: dict[int, Future[DerivedIndex | None]] = {}

    def start(self, found: Sequence[Store]) -> None:
        """Begin with the big ones of some stores."""
        for store in found:
            if store.chunks >= BIG:
                future = self._executor.submit(self._build, store.store_id)
                self._building[store.store_key] = future

    async def take(self, store_key: int) -> "DerivedIndex | None":
        """Wait for a store's index and hand it over; None for one that was not built here."""
        future = self._building.get(store_key)
        if future is None:
            return None
        try:
            # Who gives up waiting does not stop what others wait for.
            return await shield(wrap_future(future))
        finally:
            if future.done():
                self._building.pop(store_key, None)

    async def close(self) -> None:
        """Stop at the next chance; harmless when repeated."""
        self._is_closing.set()
        await to_thread(self._executor.shutdown)

    def _build(self, store_id: str) -> "DerivedIndex | None":
        if self._is_closing.is_set():
            return None
        try:
            connection = schema.connect(self._path)
            try:
                return self._built(connection, store_id)
            finally:
                connection.close()
        except (sqlite3.Error, OSError, DamagedContent, RuntimeError, ValueError) as error:
            # The first question meets it too, and tells who asked.
            _log.warning("vector store not warmed", extra={"error": repr(error)})
            return None

    def _built(self, connection: sqlite3.Connection, store_id: str) -> "DerivedIndex | None":
        # faiss, numpy and tantivy: a stack without big stores does not pay for them here.
        from lightspeed_stack_providers.faiss_hybrid.derived import DerivedIndexes  # noqa: PLC0415

        connection.set_progress_handler(self._is_closing.is_set, _STEPS)
        connection.execute("BEGIN")
        store = stores.find(connection, store_id)
        if store is None:
            return None
        index = DerivedIndexes(self._language).current(connection, store)
        _log.info("vector store warmed", extra={"store": store_id, "chunks": store.chunks})
        return index
