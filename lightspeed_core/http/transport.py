"""The guard for libraries that speak through httpx, such as the one for MCP sessions.

It bounds no sizes: whoever reads a stream does. Importing it imports httpx.
"""

import asyncio
import ssl
from typing import override

import httpx

from lightspeed_core.http.addresses import Address, Allowed
from lightspeed_core.http.client import CONNECT_SECONDS
from lightspeed_core.http.connector import Guard, Lookup, system_lookup
from lightspeed_core.http.failures import OutboundFailed
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.targets import Target, parse_target
from lightspeed_core.http.tls import context_of


class GuardedTransport(httpx.AsyncBaseTransport):
    """Judges the address of each request, a redirect's too, and connects to what was judged.

    Requests raise `OutboundRefused` and `OutboundFailed` beside httpx's own errors.
    """

    def __init__(self, guard: Guard, tls: ssl.SSLContext) -> None:
        self._guard = guard
        self._tls = tls
        # Connections are kept by address, so hosts that share one must not share a connection:
        # it was verified for one of them.
        self._by_host: dict[str, httpx.AsyncHTTPTransport] = {}

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = parse_target(str(request.url))
        *others, last = await self._addresses(target)
        for address in others:
            try:
                return await self._send(request, target, address)
            except httpx.ConnectError:
                continue
        return await self._send(request, target, last)

    @override
    async def aclose(self) -> None:
        for transport in self._by_host.values():
            await transport.aclose()

    async def _addresses(self, target: Target) -> list[Address]:
        if target.address is not None:
            self._guard.check(target.host, target.address)
            return [target.address]
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._guard.addresses(target.host, target.url.port or 0)
        except TimeoutError as exc:
            raise OutboundFailed(f"{target.host} was not found in {CONNECT_SECONDS:g} s") from exc

    async def _send(
        self, request: httpx.Request, target: Target, address: Address
    ) -> httpx.Response:
        name = target.host.rstrip(".")
        connected = httpx.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        if name not in self._by_host:
            self._by_host[name] = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        return await self._by_host[name].handle_async_request(connected)


def open_transport(
    settings: OutboundSettings, *, lookup: Lookup = system_lookup
) -> GuardedTransport:
    """Build the transport of a client, which closes it; raises `ConfigurationError`."""
    return GuardedTransport(Guard(Allowed(settings.allowed_private), lookup), context_of(settings))
