"""Ends this very process by SIGKILL at one of its writes, as `kill -9` at that moment would.

A write is a statement that changes rows, a commit, a file opened for writing, a directory made, a
rename. They are counted from `arm` on, in whichever thread they happen.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import Dialect, Engine

COMMIT: Final = "commit"
RENAME: Final = "os.rename"
OPEN: Final = "open"
STORED: Final = "vector store"
_FILE_WRITES: Final = (OPEN, "os.mkdir", RENAME)
_CHANGES: Final = ("INSERT", "UPDATE", "DELETE")
# What runs beside a write gets that long to go on, in seconds.
_LATE_SECONDS: Final = 0.03


class Moment(StrEnum):
    """Before a write, before it but with all else gone on, in the midst of it, or after it."""

    BEFORE = "before"
    LATE = "late"
    DURING = "during"
    AFTER = "after"


def moments_of(name: str) -> tuple[Moment, ...]:
    """Return the moments that differ from one another at a write."""
    if name in {COMMIT, STORED}:
        return tuple(Moment)
    if name == RENAME:
        return (Moment.BEFORE, Moment.LATE, Moment.DURING)
    return (Moment.BEFORE,)


@dataclass
class WritePoints:
    """Notes writes by name, and dies at number `kill_at` of them, counted from 0.

    Files count below `folder` alone. `pause` is how far into a write, in seconds, its midst is.
    """

    folder: Path
    kill_at: int | None = None
    moment: Moment = Moment.BEFORE
    pause: float = 0.0
    names: list[str] = field(default_factory=list[str])
    _is_armed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _dialects: list[Dialect] = field(default_factory=list[Dialect])

    def watch(self) -> None:
        """See every write of this process; there is no way back."""
        sys.addaudithook(self._see_file)
        event.listen(Engine, "before_cursor_execute", self._see_statement)
        event.listen(Engine, "engine_connect", self._watch_commits)

    def arm(self) -> None:
        """Count from here on."""
        self._is_armed = True

    def _see_file(self, name: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_armed or name not in _FILE_WRITES:
            return
        path, mode, *_ = arguments
        if str(path).startswith(str(self.folder)) and (name != OPEN or mode != "r"):
            with self.passing(name):
                pass

    def _see_statement(self, _connection: Connection, _cursor: Any, sql: str, *_: Any) -> None:
        words = sql.split()
        if words[0] in _CHANGES:
            with self.passing(" ".join(words[: 2 if words[0] == "UPDATE" else 3])):
                pass

    def _watch_commits(self, connection: Connection) -> None:
        dialect = connection.dialect
        if dialect in self._dialects:
            return
        self._dialects.append(dialect)
        commit = dialect.do_commit

        def watched(dbapi_connection: Any) -> None:
            with self.passing(COMMIT):
                commit(dbapi_connection)

        dialect.do_commit = watched

    @contextmanager
    def passing(self, name: str) -> Generator[None]:
        """Let a write pass, or die of it."""
        if not self._is_armed:
            yield
            return
        with self._lock:
            is_the_one = len(self.names) == self.kill_at
            self.names.append(name)
        if is_the_one:
            self._enter()
        yield
        if is_the_one:
            _kill()

    def _enter(self) -> None:
        match self.moment:
            case Moment.BEFORE:
                _kill()
            case Moment.LATE:
                time.sleep(_LATE_SECONDS)
                _kill()
            case Moment.DURING:
                threading.Thread(target=_kill, args=[self.pause], daemon=True).start()
            case Moment.AFTER:
                pass


def _kill(after: float = 0.0) -> None:
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)
