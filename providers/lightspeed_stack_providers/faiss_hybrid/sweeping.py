"""Takes away what removed stores held, in small steps between which everybody else can write.

What a crash leaves is found by the next process that opens the file. Knows no table.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lightspeed_stack_providers.faiss_hybrid import schema

# Other processes ask for the file again and again; this lets them find it free.
_PAUSE_SECONDS: Final = 0.01

_log = logging.getLogger(__name__)


class Sweeper:
    """A thread that repeats a step of work until it says that nothing is left."""

    def __init__(self, path: Path, step: Callable[[sqlite3.Connection], bool]) -> None:
        self._path = path
        self._step = step
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="faiss-hybrid-sweep")
        self._is_closing = threading.Event()

    def start(self) -> Future[None]:
        """Sweep, or do it once more where it is done already. What fails is left to the next."""
        return self._executor.submit(self._sweep)

    async def close(self) -> None:
        """End after the step under way; harmless when repeated."""
        self._is_closing.set()
        await asyncio.to_thread(self._executor.shutdown)

    def _sweep(self) -> None:
        try:
            connection = schema.connect(self._path)
            try:
                while not self._is_closing.is_set() and self._do_step(connection):
                    self._is_closing.wait(_PAUSE_SECONDS)
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            _log.warning("removed vector stores not swept", extra={"error": repr(error)})

    def _do_step(self, connection: sqlite3.Connection) -> bool:
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = self._step(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return found
