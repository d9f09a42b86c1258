"""Another service's database: read as it is, never created, never migrated.

Knows no table. It may be the very database in which our own tables stand.
"""

from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lightspeed_core.db.connect import (
    DatabaseSettings,
    SqliteSettings,
    connect_as_it_is,
    is_foreign_file,
)
from lightspeed_core.errors import ConfigurationError, StoreUnavailable


class ForeignDatabase:
    """A database that is asked now and then, each time over a connection of its own."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._engine = connect_as_it_is(settings)

    @property
    def address(self) -> str:
        """Where it is: the same text for the same database."""
        return address_of(self._settings)

    @property
    def is_there(self) -> bool:
        """Say whether it can be asked at all: a file that does not exist cannot."""
        settings = self._settings
        return not isinstance(settings, SqliteSettings) or settings.path.is_file()

    async def run[T](self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returned, committed.

        Raises `StoreUnavailable`, and `ConfigurationError` for a file that is no database.
        """
        if not self.is_there:
            raise StoreUnavailable(f"The database of an earlier service is gone: {self.address}")
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        except (SQLAlchemyError, OSError) as error:
            if is_foreign_file(error):
                raise ConfigurationError(f"{self.address} is not a database") from error
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise StoreUnavailable(
                f"The database of an earlier service does not answer: {self.address} ({reason})"
            ) from error


def address_of(settings: DatabaseSettings) -> str:
    """Return where a database is, for people and as a key."""
    if isinstance(settings, SqliteSettings):
        return str(settings.path.absolute())
    return settings.address
