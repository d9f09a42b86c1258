"""Judges an address that somebody names, before and at each connection to it. It opens none."""

import asyncio
from contextlib import suppress

from lightspeed_core.http.addresses import Address, Allowed
from lightspeed_core.http.client import CONNECT_SECONDS
from lightspeed_core.http.connector import Guard, Lookup, system_lookup
from lightspeed_core.http.failures import OutboundFailed
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.targets import Target, parse_target


async def addresses_of(guard: Guard, target: Target) -> list[Address]:
    """Return the judged addresses of a target.

    Raises `OutboundRefused`, or `OutboundFailed` for a name that has none.
    """
    if target.address is not None:
        guard.check(target.host, target.address)
        return [target.address]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await guard.addresses(target.host, target.url.port or 0)
    except TimeoutError as exc:
        raise OutboundFailed(f"{target.host} was not found in {CONNECT_SECONDS:g} s") from exc


class AddressJudge:
    """Says of an address that came with a request whether it may ever be asked."""

    def __init__(self, settings: OutboundSettings, *, lookup: Lookup = system_lookup) -> None:
        self._guard = Guard(Allowed(settings.allowed_private), lookup)

    async def check(self, url: str) -> None:
        """Raise `OutboundRefused` for what policy forbids.

        A name without addresses passes: it is judged again when it is connected to.
        """
        with suppress(OutboundFailed):
            await addresses_of(self._guard, parse_target(url))
