"""Tells whether a file still is what was indexed, at the price of one look every few seconds.

Knows files by what an index says of them; it reads no document and mends no index.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lightspeed_core.domain.retrieval import SourceFile

LOOK_SECONDS: Final = 5.0
_MOST_FILES: Final = 1024
_LARGEST_READ: Final = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look found: the state of a file, None where it is gone, and when to look again."""

    until: float
    state: tuple[int, int] | None
    is_visible: bool = True


class Freshness:
    """Compares files with what an index says of them; looks are remembered for a while."""

    def __init__(
        self, *, seconds: float = LOOK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._digests: dict[tuple[str, int, int], str] = {}

    async def is_stale(self, file: SourceFile) -> bool:
        """Say whether the file was changed or removed since it was indexed.

        One that this machine cannot see, or may not read, is not stale: nothing is known of it.
        """
        seen = self._seen.get(file.path)
        if seen is None or seen.until <= self._clock():
            seen = await asyncio.to_thread(self._look, file.path)
            _remember(self._seen, file.path, seen)
        if seen.state is None:
            return seen.is_visible
        if seen.state == (file.size, file.modified_ns):
            return False
        size = seen.state[0]
        if size != file.size or size > _LARGEST_READ:
            return True
        return await self._digest(file.path, seen.state) != file.digest

    def _look(self, path: str) -> _Seen:
        until = self._clock() + self._seconds
        try:
            found = Path(path).stat()
        except FileNotFoundError:
            return _Seen(until, None, is_visible=Path(path).parent.is_dir())
        except (OSError, ValueError):
            return _Seen(until, None, is_visible=False)
        return _Seen(until, (found.st_size, found.st_mtime_ns))

    async def _digest(self, path: str, state: tuple[int, int]) -> str | None:
        """Read a file that was touched, once for each state of it."""
        key = (path, *state)
        if key not in self._digests:
            try:
                content = await asyncio.to_thread(Path(path).read_bytes)
            except OSError:
                return None
            _remember(self._digests, key, hashlib.sha256(content).hexdigest())
        return self._digests[key]


def _remember[K, V](known: dict[K, V], key: K, value: V) -> None:
    known.pop(key, None)
    known[key] = value
    while len(known) > _MOST_FILES:
        del known[next(iter(known))]
