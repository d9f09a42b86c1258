"""An open database: its schema current, one writer, several readers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from lightspeed_core.db.connect import SqliteSettings, connect, is_foreign_file, prepare_file
from lightspeed_core.db.migrate import bring_up_to_date
from lightspeed_core.db.writer import GroupWriter
from lightspeed_core.errors import ConfigurationError, StoreUnavailable

logger = logging.getLogger(__name__)


class Database:
    """A database that several stores may share: the first opens it and the last closes it.

    `open` and `close` are called in one task, for the writer lives in a task group in between.
    Closed once, it stays closed.
    """

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._engine = connect(settings)
        self._lifetime = AsyncExitStack()
        self._users = 0
        self.dialect = self._engine.dialect.name
        self.writer = GroupWriter(self._engine)

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
            await self._lifetime.aclose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def read[T](self, query: Callable[[Connection], T]) -> T:
        """Run a function that only reads; raises `StoreUnavailable`."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(query)
        except SQLAlchemyError as error:
            raise StoreUnavailable from error

    async def _open(self) -> None:
        prepare_file(self._settings)
        try:
            await bring_up_to_date(self._engine, self._settings)
        except SQLAlchemyError as error:
            if is_foreign_file(error):
                raise ConfigurationError(
                    f"SQLite database is not a database: {self._settings.path}; "
                    "name another file or move this one away"
                ) from error
            raise StoreUnavailable from error
        self._lifetime.push_async_callback(self._engine.dispose)
        tasks = await self._lifetime.enter_async_context(asyncio.TaskGroup())
        tasks.create_task(self.writer.run(), name="database writer")
