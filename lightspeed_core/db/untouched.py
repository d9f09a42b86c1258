"""Reads a SQLite file and leaves it, and the files beside it, as they are."""

import fcntl
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

BUSY_SECONDS: Final = 2.0
_LOOK_AGAIN_SECONDS: Final = 0.05
# Where SQLite locks for writing: https://sqlite.org/walformat.html#locks and its os_unix.c.
_WAL_WRITE_LOCK: Final = 120
_RESERVED_LOCK: Final = 0x40000001


class CannotRead(Exception):
    """The file is no database, or another process lets nobody read it."""


def read_untouched(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query; none where it asks for a table that does not exist.

    Raises `CannotRead`.
    """
    # Where nobody has the database open, opening it would create files beside it.
    is_open = _beside(path, "-shm").exists()
    options = "mode=ro" if is_open else "immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{options}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        if str(error).startswith("no such table"):
            return []
        raise CannotRead(str(error)) from error


def is_held_for_writing(path: Path) -> bool:
    """Say whether another process keeps everybody else from writing, for as long as we look."""
    until = time.monotonic() + BUSY_SECONDS
    places = ((_beside(path, "-shm"), _WAL_WRITE_LOCK), (path, _RESERVED_LOCK))
    while any(_is_locked(file, offset) for file, offset in places if file.exists()):
        if time.monotonic() > until:
            return True
        time.sleep(_LOOK_AGAIN_SECONDS)
    return False


def _is_locked(file: Path, offset: int) -> bool:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Let go again when the file is closed.
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, offset)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
