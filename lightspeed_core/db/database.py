"""An open database: its schema current, one writer, several readers."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lightspeed_core.db.clock import SharedClock
from lightspeed_core.db.connect import (
    DatabaseSettings,
    SqliteSettings,
    connect,
    for_reading,
    is_foreign_file,
    prepare_file,
)
from lightspeed_core.db.erasure import Erasure
from lightspeed_core.db.migrate import bring_up_to_date
from lightspeed_core.db.postgres import is_dropped, is_refused, server_time
from lightspeed_core.db.writer import GroupWriter
from lightspeed_core.errors import ConfigurationError, LightspeedError, StoreUnavailable

logger = logging.getLogger(__name__)


class Database:
    """A database that several stores may share: the first opens it and the last closes it.

    `open` and `close` are called in one task, for the writer lives in a task group in between.
    Closed once, it stays closed.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._engine = connect(settings)
        self._readers = for_reading(self._engine)
        self._lifetime = AsyncExitStack()
        self._users = 0
        self.dialect = self._engine.dialect.name
        self.writer = GroupWriter(self._engine)
        self.clock = SharedClock()
        self._erasure = Erasure(self._engine) if isinstance(settings, SqliteSettings) else None

    async def open(self) -> None:
        """Bring the schema up to date and start the writer.

        Raises `ConfigurationError` when the file cannot be used, `StoreUnavailable` when the
        database does not answer.
        """
        self._users += 1
        if self._users > 1:
            return
        try:
            await self._open()
        except BaseException:
            self._users = 0
            await self._engine.dispose()
            raise

    async def close(self) -> None:
        """Write what is queued and disconnect, if nobody else uses the database."""
        if self._users == 0:
            return
        self._users -= 1
        if self._users == 0:
            self.writer.stop()
            if self._erasure is not None:
                self._erasure.stop()
            await self._lifetime.aclose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run a function that only reads; raises `StoreUnavailable`."""
        try:
            try:
                return await self._read(query)
            except DBAPIError as error:
                if not is_dropped(error):
                    raise
                return await self._read(query)  # on a new connection
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable from error

    async def set_clock(self) -> None:
        """Set `clock` by the server, which all hosts share; a file is read by the host's own."""
        if isinstance(self._settings, SqliteSettings):
            return
        asked_at = time.monotonic()
        self.clock.set(await self.read(server_time), asked_at=asked_at)

    def erase_deleted(self) -> None:
        """Have what was deleted erased from the file, in a moment; a server tidies up by itself."""
        if self._erasure is not None:
            self._erasure.wish()

    async def _read[T](self, query: Callable[[Connection], T]) -> T:
        async with self._readers.connect() as connection:
            return await connection.run_sync(query)

    async def _open(self) -> None:
        await self._bring_up_to_date()
        await self.set_clock()
        self._lifetime.push_async_callback(self._engine.dispose)
        tasks = await self._lifetime.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(self.writer.run(), name="database writer")
        if self._erasure is not None:
            tasks.create_task(self._erasure.run(), name="database erasure")

    async def _bring_up_to_date(self) -> None:
        settings = self._settings
        if isinstance(settings, SqliteSettings):
            prepare_file(settings)
        try:
            await bring_up_to_date(self._engine, settings)
        except (SQLAlchemyError, OSError) as error:
            raise explain_failure(error, settings) from error


def explain_failure(error: Exception, settings: DatabaseSettings) -> LightspeedError:
    """Name the cause of what a database raised while it was opened."""
    if isinstance(settings, SqliteSettings):
        if is_foreign_file(error):
            return ConfigurationError(
                f"SQLite database is not a database: {settings.path}; "
                "name another file or move this one away"
            )
        return StoreUnavailable()
    reason = error.orig if isinstance(error, DBAPIError) else error
    if is_refused(error):
        return ConfigurationError(
            f"PostgreSQL database cannot be used: {settings.address} as {settings.user} ({reason})"
        )
    return StoreUnavailable(f"PostgreSQL does not answer: {settings.address} ({reason})")
