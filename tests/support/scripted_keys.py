"""A source of keys without a network, and a clock that is set by hand."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Any

from lightspeed_core.auth.jwt.cache import KeyCache, KeysUnavailable
from lightspeed_core.auth.jwt.claims import ClaimRules
from lightspeed_core.auth.jwt.keys import KeySet, read_key_set
from lightspeed_core.auth.jwt.verdicts import Verdicts
from lightspeed_core.auth.modules.jwk import JwkAuthenticator
from lightspeed_core.config.authentication import JwtConfiguration
from tests.support.tokens import TokenKey


class Clock:
    """Stands still until it is set; serves as wall clock and as monotonic one."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def wall(self) -> int:
        return int(self.at)


class ScriptedKeys:
    """Gives what is published, unless it is down; counts how often it was asked."""

    def __init__(self, *keys: TokenKey, algorithms: Collection[str] | None = None) -> None:
        self.entries: list[Any] = [key.published() for key in keys]
        self.fetches = 0
        self.down: str | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._algorithms = algorithms

    def publish(self, *keys: TokenKey) -> None:
        self.entries = [key.published() for key in keys]

    async def fetch(self) -> KeySet:
        self.fetches += 1
        await self.gate.wait()
        if self.down is not None:
            raise KeysUnavailable(self.down)
        return read_key_set(json.dumps({"keys": self.entries}).encode(), self._algorithms)


@asynccontextmanager
async def cached(source: ScriptedKeys, clock: Clock) -> AsyncGenerator[KeyCache]:
    """Keep the keys of a source, by a clock that is set by hand."""
    async with asyncio.TaskGroup() as group:
        keys = KeyCache(source, group, clock)
        yield keys
        keys.close()


@asynccontextmanager
async def judged_by(
    source: ScriptedKeys, clock: Clock, settings: JwtConfiguration | None = None
) -> AsyncGenerator[JwkAuthenticator]:
    """Put the module together over a source, by a clock that is set by hand."""
    rules = ClaimRules(settings or JwtConfiguration(), clock.wall)
    verdicts = Verdicts[Any](seconds=60, most=3, clock=clock)
    async with cached(source, clock) as keys:
        yield JwkAuthenticator(keys, rules, verdicts)
