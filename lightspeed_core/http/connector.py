"""Connections that open only to addresses which were judged, for whoever speaks HTTP over them.

Names are resolved here once per connection, all answers are judged, and the judged addresses are
what is connected to: a name server that answers differently the next time changes nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final, override

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from lightspeed_core.http.addresses import Address, Allowed
from lightspeed_core.http.failures import OutboundFailed, OutboundRefused

KEEP_ALIVE_SECONDS: Final = 15.0

type Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Asks for the addresses of a name; raises `OSError` where there are none."""


async def system_lookup(host: str, port: int) -> list[str]:
    """Ask as the system is configured to."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """Judges where a connection may go."""

    def __init__(self, allowed: Allowed, lookup: Lookup = system_lookup) -> None:
        self._allowed = allowed
        self._lookup = lookup

    def check(self, host: str, address: Address) -> None:
        """Raise `OutboundRefused` unless `address`, found under `host`, may be connected to."""
        if not self._allowed.permits(host, address):
            found = "" if host == str(address) else f" of {host}"
            raise OutboundRefused(
                f"{address}{found} is not an address of the public internet; "
                "outbound.allowed_private would have to list it"
            )

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Resolve a name once, and judge each answer; one that is refused refuses all.

        Raises `OutboundRefused`, or `OutboundFailed` for a name without addresses.
        """
        try:
            found = [ip_address(text) for text in await self._lookup(host, port)]
        except (OSError, ValueError) as exc:
            raise OutboundFailed(f"{host} has no address: {exc}") from exc
        if not found:
            raise OutboundFailed(f"{host} has no address")
        for address in found:
            self.check(host, address)
        return found


class GuardedResolver(AbstractResolver):
    """Gives aiohttp the judged addresses of a name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._guard.addresses(host, port)
        ]

    @override
    async def close(self) -> None:
        """Do nothing; no connection is kept to a name server."""


def guarded_connector(guard: Guard, tls: ssl.SSLContext) -> TCPConnector:
    """Build a connector for an aiohttp session; call it on the running loop.

    A URL that names an address never comes to the resolver, so the session's owner reads URLs by
    `parse_target` and judges their addresses.
    """
    return TCPConnector(
        resolver=GuardedResolver(guard),
        use_dns_cache=False,
        ssl=tls,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
