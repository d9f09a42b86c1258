"""Proxies and redirects of outgoing connections. It opens none.

Proxies are read from the environment as `urllib` does: `https_proxy`, `http_proxy`, `no_proxy`.
"""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_LONGEST_PLACE = 200


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for this address; None where there is none."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


def describe_redirect(asked: str, location: str | None) -> str:
    """Say that `asked` named another place; what may be secret in an address is left out."""
    try:
        target = urlsplit(location or "elsewhere")
        host = target.netloc.rpartition("@")[2]
        place = target._replace(netloc=host, query="", fragment="").geturl()
    except ValueError:
        place = "what is no address"
    return f"{asked} redirects to {place[:_LONGEST_PLACE]}, which is not followed"
