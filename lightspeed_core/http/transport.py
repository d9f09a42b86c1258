"""The guard for libraries that speak through httpx, such as the one for MCP sessions.

It bounds no sizes: whoever reads a stream does. Importing it imports httpx.
"""

import ssl
from typing import override

import httpx

from lightspeed_core.http.addresses import Address, Allowed
from lightspeed_core.http.connector import Guard, Lookup, system_lookup
from lightspeed_core.http.judging import addresses_of
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.targets import Target, parse_target
from lightspeed_core.http.tls import context_of
from lightspeed_stack_providers.outgoing import proxy_for


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
        *others, last = await addresses_of(self._guard, target)
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


class Transports:
    """Builds the transports of clients: connections of their own, over files that are read once.

    Raises `ConfigurationError` when the files of the settings cannot be used.
    """

    def __init__(self, settings: OutboundSettings, *, lookup: Lookup = system_lookup) -> None:
        self._guard = Guard(Allowed(settings.allowed_private), lookup)
        self._tls = context_of(settings)

    def guarded(self) -> httpx.AsyncBaseTransport:
        """Return a transport for addresses that came with a request."""
        return GuardedTransport(self._guard, self._tls)

    def trusted(self, url: str) -> httpx.AsyncBaseTransport:
        """Return a transport for an address of the configuration, through the proxy of its place.

        Raises `OutboundRefused` for what is no plain address.
        """
        proxy = proxy_for(str(parse_target(url).url))
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, proxy=proxy)
