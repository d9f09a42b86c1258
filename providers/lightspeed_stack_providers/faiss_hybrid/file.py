"""The SQLite file: one thread that reads, one that writes, a transaction around each piece of work.

Nothing here runs on the event loop, and nothing here knows what the tables hold.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lightspeed_stack_providers.faiss_hybrid import schema
from lightspeed_stack_providers.faiss_hybrid.failures import DamagedContent, named


class _Lane:
    """A thread with a connection of its own, opened at the first use."""

    def __init__(self, path: Path, *, begin: str) -> None:
        self._path = path
        self._begin = begin
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="faiss-hybrid")
        self._connection: sqlite3.Connection | None = None

    async def run[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._in_transaction, work)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _in_transaction[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = schema.connect(self._path)
            self._connection.execute(self._begin)
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise
        except (sqlite3.Error, OSError, DamagedContent) as error:
            raise named(error, self._path) from error
        return result

    def _close(self) -> None:
        try:
            self._executor.submit(self._disconnect).result()
        except RuntimeError:  # closed before
            return
        self._executor.shutdown()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class StoreFile:
    """The file that is the only truth. Its methods raise `StoreFileUnusable`.

    All reading happens in one thread, so what `read` calls needs no lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _Lane(path, begin="BEGIN")
        self._writer = _Lane(path, begin="BEGIN IMMEDIATE")

    async def read[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work on one snapshot: what others commit meanwhile is not seen."""
        return await self._reader.run(work)

    async def write[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work as one transaction: all of it is stored, or nothing."""
        return await self._writer.run(work)

    async def close(self) -> None:
        """Let go of the file and both threads; harmless when repeated."""
        await self._reader.close()
        await self._writer.close()
