"""What servers answered lately: lists of tools, and that there was no answer.

Entries are by server and by the headers it was asked with, so that nobody sees the tools of
somebody else; of headers it holds hashes alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from lightspeed_core.mcp.failures import McpFailed
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.tools import ToolList, digest_of

_MOST_ENTRIES = 1000

type Key = tuple[str, str, str]
"""Name, place and hash of the headers."""


@dataclass(frozen=True, slots=True)
class _Entry:
    until: float
    digest: str
    listed: ToolList = field(default_factory=ToolList)
    failure: McpFailed | None = None


class ToolCache:
    """Tools by server and headers, for a short time; the oldest entries make room."""

    def __init__(self, limits: McpLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def find(self, key: Key) -> ToolList | None:
        """Return the tools, or None; raises `McpFailed` while a failure is fresh."""
        entry = self._entries.get(key)
        if entry is None or entry.until <= self._clock():
            return None
        if entry.failure is not None:
            raise entry.failure
        return entry.listed

    def keep(self, key: Key, listed: ToolList) -> bool:
        """Keep tools; say whether they are others than before."""
        before = self._entries.get(key)
        digest = digest_of(listed.tools)
        self._put(key, _Entry(self._clock() + self._limits.cached, digest, listed))
        return before is not None and before.digest not in {"", digest}

    def fail(self, key: Key, failure: McpFailed) -> None:
        """Keep a failure, so that not every turn waits for a server that is away."""
        self._put(key, _Entry(self._clock() + self._limits.failed, "", failure=failure))

    def drop(self, key: Key) -> None:
        """Forget the tools of a key."""
        self._entries.pop(key, None)

    def _put(self, key: Key, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > _MOST_ENTRIES:
            self._entries.popitem(last=False)
