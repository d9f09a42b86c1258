"""The service as shipped, with a probe of its event loop: how late does it do what is due?

Started as `python -m tests.bench.probed_service FILE [arguments of the service]`. Something is due
every five milliseconds. FILE gets a pair of float64 for each: when it was due (seconds of the
monotonic clock) and how late it was done. Whatever was due while the loop was busy counts by
itself, so that one long wait weighs as much as it lasted.
"""

import asyncio
import sys
import time
from array import array
from pathlib import Path
from typing import Final

import uvloop

from lightspeed_core.cli.main import run

INTERVAL: Final = 0.005
_PAIRS_AT_ONCE: Final = 100


class Probe:
    """Looks at one event loop as long as it runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path) -> None:
        self._loop = loop
        self._path = path
        self._found = array("d")
        self._due = time.monotonic()

    def look(self) -> None:
        """Note what is due by now, and come again for the next."""
        now = time.monotonic()
        while self._due <= now:
            self._found.extend((self._due, now - self._due))
            self._due += INTERVAL
        if len(self._found) >= 2 * _PAIRS_AT_ONCE:
            with self._path.open("ab") as file:
                self._found.tofile(file)
            del self._found[:]
        self._loop.call_later(self._due - now, self.look)


def main() -> None:
    """Run the service; its event loop is probed from its first moment."""
    path = Path(sys.argv[1])
    make_loop = uvloop.new_event_loop

    def probed_loop() -> uvloop.Loop:
        loop = make_loop()
        loop.call_soon(Probe(loop, path).look)
        return loop

    uvloop.new_event_loop = probed_loop
    sys.exit(run(sys.argv[2:]))


if __name__ == "__main__":
    main()
