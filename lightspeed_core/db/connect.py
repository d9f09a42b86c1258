"""From settings to an engine. The only module that knows how a database is reached."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from lightspeed_core.db.postgres import PostgresSettings, connect_postgres, is_busy_postgres
from lightspeed_core.errors import ConfigurationError

SQLITE_BUSY: Final = 5
SQLITE_NOTADB: Final = 26
_READERS: Final = 4
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    # What is deleted is overwritten with zeros, and not only marked as free.
    "secure_delete=ON",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteSettings:
    """A SQLite file; `busy_timeout` is how long, in seconds, a write waits for other processes."""

    path: Path
    busy_timeout: float = 5.0


type DatabaseSettings = SqliteSettings | PostgresSettings


def prepare_file(settings: SqliteSettings) -> None:
    """Create the file, readable by its owner alone, unless it exists.

    Raises `ConfigurationError` when it cannot be there or cannot be written.
    """
    path = settings.path
    if not path.parent.is_dir():
        raise ConfigurationError(f"SQLite database directory does not exist: {path}")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ConfigurationError(
            f"SQLite database cannot be written: {path} ({error.strerror})"
        ) from error


def connect(settings: DatabaseSettings) -> AsyncEngine:
    """Build an engine; nothing is opened before its first use."""
    if isinstance(settings, PostgresSettings):
        return connect_postgres(settings, _READERS + 1)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(settings.path)),
        # The driver begins a transaction at its first write, and takes the write lock with it:
        # a lock that is taken later can be refused however long one waits.
        connect_args={"timeout": settings.busy_timeout, "isolation_level": "IMMEDIATE"},
        pool_size=_READERS + 1,
        max_overflow=0,
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def connect_as_it_is(settings: DatabaseSettings) -> AsyncEngine:
    """Build an engine for a database that is not ours: no setting of it is changed.

    It keeps no connection open. Text of a SQLite file that is not UTF-8 comes as bytes.
    """
    if isinstance(settings, PostgresSettings):
        return connect_postgres(settings, 0)
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(settings.path)),
        connect_args={"timeout": settings.busy_timeout, "isolation_level": "IMMEDIATE"},
        poolclass=NullPool,
    )
    event.listen(engine.sync_engine, "connect", _prepare_foreign)
    return engine


def _prepare_foreign(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.driver_connection.text_factory = _text_or_bytes
    cursor = connection.cursor()
    # What is deleted there is overwritten there; the setting ends with the connection.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def is_busy(error: BaseException) -> bool:
    """Say whether a write failed for no fault of its own, and may succeed a moment later."""
    return _sqlite_code(error) == SQLITE_BUSY or is_busy_postgres(error)


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine as readers use it: where a transaction costs round trips, without one."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine


def is_foreign_file(error: BaseException) -> bool:
    """Say whether the file is something other than a database."""
    return _sqlite_code(error) == SQLITE_NOTADB


def _sqlite_code(error: BaseException) -> int | None:
    """Return SQLite's primary result code (https://sqlite.org/rescode.html)."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
