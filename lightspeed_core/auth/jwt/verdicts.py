"""Remembers for a short time what tokens were found to be worth, so that most cost a look-up."""

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256


class Verdicts[V]:
    """Verdicts by the hash of their token; of more than `most` the longest unused are forgotten."""

    def __init__(
        self, *, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def find(self, token: str) -> V | None:
        """Return the verdict over a token, None without one that still counts."""
        digest = _digest(token)
        found = self._kept.get(digest)
        if found is None:
            return None
        until, verdict = found
        if self._clock() >= until:
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return verdict

    def keep(self, token: str, verdict: V, seconds: float | None = None) -> None:
        """Remember a verdict, never for longer than `seconds` where that is given."""
        lasting = self._seconds if seconds is None else min(self._seconds, seconds)
        if lasting <= 0:
            return
        self._kept[_digest(token)] = (self._clock() + lasting, verdict)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
