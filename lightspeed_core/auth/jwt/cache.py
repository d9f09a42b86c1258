"""Keeps the keys of a key server: few fetches, no request that waits without need, never open.

Keys are good for an hour and are fetched again shortly before it ends, beside the requests. While
their server is down they serve on for a day; after it nobody is admitted.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lightspeed_core.auth.jwt.keys import KeySet
from lightspeed_core.errors import AuthenticationUnavailable

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 3600.0
REFRESH_SECONDS: Final = 3000.0
"""The age at which keys are fetched again without anybody waiting."""
STALE_SECONDS: Final = 24 * 3600.0
"""The age up to which keys serve while their server is down."""
RETRY_SECONDS: Final = 10.0
"""What lies at least between a fetch that failed and the next."""
UNKNOWN_KEY_SECONDS: Final = 60.0
"""What lies at least between two fetches for the sake of unknown keys."""

_UNREACHABLE: Final = "Unable to reach authentication key server"


class KeysUnavailable(Exception):
    """The key server gave no keys; the text is the cause as callers are told it."""


class KeySource(Protocol):
    """Where keys come from."""

    async def fetch(self) -> KeySet:
        """Return the keys as they are now; raises `KeysUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class _Failure:
    at: float
    cause: str


class KeyCache:
    """The keys as far as they are known; fetches run one at a time, in the given task group."""

    def __init__(
        self,
        source: KeySource,
        group: asyncio.TaskGroup,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._group = group
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = -math.inf
        self._failure: _Failure | None = None
        self._last_unknown_at = -math.inf
        self._flight: asyncio.Task[None] | None = None

    def at_hand(self) -> KeySet | None:
        """Return the keys if they may be used without waiting; renews them beside that."""
        age = self._clock() - self._fetched_at
        if age < REFRESH_SECONDS:
            return self._keys
        if age >= STALE_SECONDS:
            return None
        self.renew()
        return self._keys if age < FRESH_SECONDS or self._has_failed_lately() else None

    async def get(self) -> KeySet:
        """Return the keys, fetched if need be; raises `AuthenticationUnavailable`."""
        keys = self.at_hand()
        if keys is None:
            self.renew()
            await self._landed()
            keys = self._keys if self._clock() - self._fetched_at < STALE_SECONDS else None
        if keys is None:
            raise self._unavailable()
        return keys

    async def get_anew(self) -> KeySet:
        """Return the keys, fetched again for one that is not among them, at most once a minute.

        Raises `AuthenticationUnavailable` when the server could not be asked: the key may well be
        a new one.
        """
        if self._clock() - self._last_unknown_at >= UNKNOWN_KEY_SECONDS:
            self.renew()
            if self._flight is not None:
                self._last_unknown_at = self._clock()
        await self._landed()
        if self._has_failed_lately():
            raise self._unavailable()
        return await self.get()

    def renew(self) -> None:
        """Begin a fetch, unless one runs or has failed a moment ago."""
        failed_at = self._failure.at if self._failure else -math.inf
        if self._flight is None and self._clock() - failed_at >= RETRY_SECONDS:
            self._flight = self._group.create_task(self._fetch(), name="key set")

    def close(self) -> None:
        """Give up a fetch that still runs."""
        if self._flight is not None:
            self._flight.cancel()

    async def _landed(self) -> None:
        # A request that goes away leaves the fetch to the others that wait for it.
        if self._flight is not None:
            await asyncio.wait({self._flight})

    async def _fetch(self) -> None:
        try:
            keys = await self._source.fetch()
        except KeysUnavailable as error:
            self._fail(str(error))
            logger.warning("keys were not fetched cause=%s", error.__cause__ or error)
        except Exception:
            self._fail(_UNREACHABLE)
            logger.exception("fetching keys broke")
        else:
            self._keep(keys)
        finally:
            self._flight = None

    def _fail(self, cause: str) -> None:
        self._failure = _Failure(self._clock(), cause)

    def _keep(self, keys: KeySet) -> None:
        # The same text stays the same object, by which others know that nothing has changed.
        if keys != self._keys:
            self._keys = keys
            logger.info("keys were fetched usable=%d", len(keys.keys))
        self._fetched_at = self._clock()
        self._failure = None

    def _has_failed_lately(self) -> bool:
        failure = self._failure
        return failure is not None and self._clock() - failure.at < UNKNOWN_KEY_SECONDS

    def _unavailable(self) -> AuthenticationUnavailable:
        failure = self._failure or _Failure(self._clock(), _UNREACHABLE)
        return AuthenticationUnavailable(
            failure.cause,
            backend="authentication key server",
            retry_after=max(1.0, failure.at + RETRY_SECONDS - self._clock()),
        )
