"""Gets rid of what a SQLite file still holds of deleted rows. Knows no table.

Freed space is overwritten by SQLite itself (`secure_delete`, see `connect`). What remains are old
pages in the write-ahead log, and copies of rows that were moved inside the file.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from lightspeed_core.db.connect import is_busy

logger = logging.getLogger(__name__)

DELAY: Final = 2.0
"""How long, in seconds, a wish waits for others, so that one erasure serves them all."""

REWRITTEN_BELOW: Final = 32 * 1024 * 1024
"""Size in bytes below which the file is written anew; that stalls writers 10 ms per MiB."""

# How long writers may be held up by waiting for readers.
_PATIENCE_MILLISECONDS: Final = 100
_LONGEST_PAUSE: Final = 60.0


class Erasure:
    """Erases after the first wish, again and again until it succeeds.

    `run` must be running; it ends after `stop`, when it has tried what was wished for till then.
    """

    def __init__(
        self, engine: AsyncEngine, *, delay: float = DELAY, rewritten_below: int = REWRITTEN_BELOW
    ) -> None:
        self._engine = engine
        self._delay = delay
        self._rewritten_below = rewritten_below
        self._is_wished = False
        self._wished = asyncio.Event()
        self._stopping = asyncio.Event()

    def wish(self) -> None:
        """Note that something was deleted."""
        self._is_wished = True
        self._wished.set()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()
        self._wished.set()

    async def run(self) -> None:
        """Erase as often as it is wished for, until stopped."""
        while self._is_wished or not self._stopping.is_set():
            await self._wished.wait()
            await self._pause(self._delay)
            self._wished.clear()
            if self._is_wished:
                self._is_wished = False
                await self._erase_patiently()

    async def _erase_patiently(self) -> None:
        pause = self._delay
        while not await self._erase() and not self._stopping.is_set():
            await self._pause(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not for longer than until the stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _erase(self) -> bool:
        """Try once; false when somebody was in the way."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(_erase, self._rewritten_below)
        except (SQLAlchemyError, OSError) as error:
            cause = "others use the file" if is_busy(error) else error
            logger.info("deleted rows were not erased from the file yet: %s", cause)
            return False


def _erase(connection: Connection, rewritten_below: int) -> bool:
    """Write a small file anew, then empty the log; false when a reader still needs the log."""
    (patience,) = connection.exec_driver_sql("PRAGMA busy_timeout").one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MILLISECONDS}")
    try:
        if _size(connection) < rewritten_below:
            # The directory for temporary files need not be writable.
            connection.exec_driver_sql("PRAGMA temp_store=MEMORY")
            connection.exec_driver_sql("VACUUM")
        is_busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    finally:
        connection.exec_driver_sql("PRAGMA temp_store=DEFAULT")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    return not is_busy


def _size(connection: Connection) -> int:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    page_size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return pages * page_size
