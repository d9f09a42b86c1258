"""Names of hosts and origins of pages, as settings and browsers write them. Knows no setting."""

import re
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

ANY: Final = "*"
_NAME: Final = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+))(?::[0-9]{1,5})?")
_WEB_SCHEMES: Final = {"http", "https"}


def is_loopback(host: str) -> bool:
    """Say whether a name or an address is always this machine.

    `localhost` and names below it are, by RFC 6761 section 6.3, and no resolver of a browser asks
    a network for them.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ip_address(host).is_loopback


def is_address(host: str) -> bool:
    """Say whether this is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def host_of(authority: str) -> str | None:
    """Return the host of `host:port` in lower case and without brackets; None for what is none."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    return (found[1] or found[2]).lower().removesuffix(".")


def _check_host(host: str) -> str:
    name = host.strip().lower().removesuffix(".")
    if name == ANY or _NAME.fullmatch(name):
        return name
    address = name.removeprefix("[").removesuffix("]")
    try:
        return str(ip_address(address))
    except ValueError:
        raise ValueError(
            f"'{host}' must be the name or address of a host, without scheme, port or path, "
            "such as lcs.example.com or *.example.com; * alone allows any"
        ) from None


def _check_origin(origin: str) -> str:
    text = origin.strip().lower().removesuffix("/")
    scheme, _, authority = text.partition("://")
    if text == ANY:
        return text
    if scheme not in _WEB_SCHEMES or host_of(authority) is None:
        raise ValueError(
            f"'{origin}' must be an origin as browsers send it, such as https://ui.example.com or "
            "http://localhost:3000, without path; * alone allows any"
        )
    return origin_of(text)


def origin_of(url: str) -> str:
    """Return the origin of a web address as a browser writes it: without the scheme's own port."""
    parts = urlsplit(url.lower())
    own_port = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].removesuffix(own_port)}"


HostName = Annotated[str, AfterValidator(_check_host)]
Origin = Annotated[str, AfterValidator(_check_origin)]
