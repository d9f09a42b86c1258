"""Reads the address of an outgoing request, once; the same object is judged and connected to.

Spellings that two readers could take for different hosts are refused instead of interpreted.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from yarl import URL

from lightspeed_core.http.addresses import Address
from lightspeed_core.http.failures import OutboundRefused

LONGEST_URL: Final = 8192
_SCHEMES: Final = {"http", "https"}
_LONGEST_SHOWN: Final = 100
_NAME: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?"
)
# The URL standard's "ends in a number": such a host is an IPv4 address or an error, never a name.
_NUMERIC_END: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes; `address` is set when the URL names one instead of a host name."""

    url: URL
    host: str
    address: Address | None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port."""
        return self.url.scheme, self.host, self.url.port

    def __str__(self) -> str:
        # Paths and queries may hold secrets.
        return str(self.url.origin())


def parse_target(text: str, *, base: Target | None = None) -> Target:
    """Read an absolute URL, or with `base` one that is relative to it.

    Raises `OutboundRefused` for all but plain http and https addresses.
    """
    if len(text) > LONGEST_URL:
        raise OutboundRefused(f"the address has {len(text)} characters; {LONGEST_URL} may be read")
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise OutboundRefused(f"{_shown(text)} has characters that no URL has")
    try:
        url = URL(text)
        return _judge(url if base is None else base.url.join(url))
    except ValueError as exc:
        raise OutboundRefused(f"{_shown(text)} is no URL: {exc}") from exc


def _judge(url: URL) -> Target:
    if url.scheme not in _SCHEMES:
        raise OutboundRefused(f"{_shown(url.scheme)} is no scheme to be asked; right is https")
    if "@" in url.raw_authority:
        raise OutboundRefused("the address names a user, which outgoing requests never do")
    host = url.raw_host
    if not host:
        raise OutboundRefused("the address names no host")
    if not url.port:
        raise OutboundRefused("port 0 cannot be connected to")
    return Target(url.with_fragment(None), host, _address(host))


def _address(host: str) -> Address | None:
    if ":" in host:
        return _literal(host)
    if _NUMERIC_END.search(host):
        return _literal(host)
    if not _NAME.fullmatch(host):
        raise OutboundRefused(f"{_shown(host)} is no host name")
    return None


def _literal(host: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(host)
    except ValueError:
        raise OutboundRefused(f"{_shown(host)} is no plain way to write an address") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise OutboundRefused(f"{_shown(host)} names a zone of this machine")
    return address


def _shown(text: str) -> str:
    return repr(text[:_LONGEST_SHOWN])
