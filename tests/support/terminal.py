"""A command on a terminal of its own, as somebody who sits before it sees and stops it."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.service import free_port, service_environment

ANSWER_SECONDS: Final = 120
INTERRUPT: Final = b"\x03"


class Terminal:
    """Runs one command line in a directory, with a data directory below it."""

    def __init__(
        self, directory: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._screen, inner = pty.openpty()
        more = {"TERM": "xterm", "COLUMNS": "100", **(environment or {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lightspeed_core", *arguments],
            cwd=directory,
            env=service_environment(directory / "data", free_port(), more),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=_control_terminal,
        )
        os.close(inner)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._screen)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._screen, keys)

    def read_until(self, text: str) -> None:
        """Read until a text is shown."""
        until = time.monotonic() + ANSWER_SECONDS
        while text not in self.shown:
            assert self._read(until), f"not shown: {text}\n{self.shown}"

    def read_until_matches(self, pattern: str) -> None:
        """Read until something that a pattern describes is shown."""
        until = time.monotonic() + ANSWER_SECONDS
        while not re.search(pattern, self.shown):
            assert self._read(until), f"not shown: {pattern}\n{self.shown}"

    def read_to_end(self, seconds: float = ANSWER_SECONDS) -> int:
        """Read until the command ends, and return its exit code."""
        until = time.monotonic() + seconds
        while self._read(until):
            pass
        return self._process.wait(ANSWER_SECONDS)

    def _read(self, until: float) -> bool:
        """Read some; false at the end."""
        ready, _, _ = select.select([self._screen], [], [], max(until - time.monotonic(), 0))
        assert ready, f"nothing was shown any more:\n{self.shown}"
        try:
            some = os.read(self._screen, 65536)
        except OSError:  # Linux says so when nobody holds the other side
            return False
        self.shown += some.decode(errors="replace")
        return bool(some)


def _control_terminal() -> None:
    """Make the terminal on stdin the one whose keys are signals; its holder leads the session."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
