"""To whom the service answers: the names it is called by, and the pages that may call it.

Both are also told to browsers of users that nobody has to log in: a page whose name was made to
resolve to this machine (DNS rebinding), or any page that is open beside it, must not ask for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lightspeed_core.api.errors import render_error
from lightspeed_core.config.addresses import ANY, host_of, is_address, is_loopback, origin_of
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.errors import Forbidden, LightspeedError, Misdirected


@dataclass(frozen=True, slots=True)
class HostRule:
    """Names that are answered, beside those of this machine.

    With `has_addresses` any address is answered: probes come by address, and no name server can
    make a page's origin of it.
    """

    names: frozenset[str]
    has_addresses: bool

    def allows(self, authority: str) -> bool:
        """Judge a `Host` header."""
        host = host_of(authority)
        if host is None:
            return False
        return (
            host in self.names
            or is_loopback(host)
            or (self.has_addresses and is_address(host))
            or any(name[0] == ANY and host.endswith(name[1:]) for name in self.names)
        )


@dataclass(frozen=True, slots=True)
class OriginRule:
    """Origins that may call; with `has_loopback` also every page of this machine."""

    origins: frozenset[str]
    has_loopback: bool

    def allows(self, origin: str) -> bool:
        """Judge an `Origin` header that is not the service's own."""
        if origin in self.origins:
            return True
        host = host_of(origin.partition("://")[2])
        return self.has_loopback and host is not None and is_loopback(host)


def host_rule(service: ServiceConfiguration) -> HostRule | None:
    """Return which names are answered; None for any."""
    is_local = is_loopback(service.host)
    names = service.allowed_hosts
    if ANY in (names or ()) or (names is None and not is_local):
        return None
    own = {service.host.lower()}
    if service.base_url is not None and (host := host_of(_authority(service.base_url))):
        own.add(host)
    return HostRule(frozenset(names or ()) | own, has_addresses=not is_local)


def origin_rule(service: ServiceConfiguration) -> OriginRule | None:
    """Return which origins may call; None for any.

    Origins that `cors` names may; its wildcard is the default and says nothing of this.
    """
    origins = service.allowed_origins
    if origins is None and not is_loopback(service.host):
        return None
    allowed = set(origins or ()) | {origin.lower() for origin in service.cors.allow_origins}
    if service.base_url is not None:
        allowed.add(origin_of(service.base_url))
    if ANY in (origins or ()):
        return None
    return OriginRule(frozenset(allowed - {ANY}), has_loopback=origins is None)


def _authority(url: str) -> str:
    return origin_of(url).partition("://")[2]


class Entrance:
    """Refuses what was sent to another name, or by a page that may not call."""

    def __init__(self, app: ASGIApp, *, hosts: HostRule | None, origins: OriginRule | None) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        if scope["type"] == "http":
            host, origin, site = _read(scope["headers"])
            fault = self._fault(host, origin, site)
            if fault is not None:
                answer = await render_error(Request(scope), fault)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _fault(self, host: str, origin: str, site: str) -> LightspeedError | None:
        if self._hosts is not None and not self._hosts.allows(host):
            return Misdirected(
                f"The service does not answer to the host name '{host}'. "
                "Its operator can add the name to service.allowed_hosts."
            )
        if self._origins is None or not origin or _is_own(origin, host, site):
            return None
        if self._origins.allows(origin):
            return None
        return Forbidden(
            "Pages of this origin may not call the service",
            f"The origin '{origin}' is not allowed. "
            "The operator of the service can add it to service.allowed_origins.",
        )


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str, str]:
    """Return `Host`, `Origin` and `Sec-Fetch-Site`, each empty where there is none."""
    host = origin = site = b""
    for name, value in headers:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"sec-fetch-site":
            site = value
    return host.decode("latin-1"), origin.decode("latin-1").lower(), site.decode("latin-1")


def _is_own(origin: str, host: str, site: str) -> bool:
    """Say whether a page is the service's own, also behind a proxy that renames the host.

    Browsers say so themselves (https://www.w3.org/TR/fetch-metadata/), and pages cannot.
    """
    return site == "same-origin" or origin.partition("://")[2] == host.lower()
