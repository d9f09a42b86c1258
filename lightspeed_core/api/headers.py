"""Headers that every answer carries for the good of browsers; put together once, at the start.

A route that knows better sets its own `Cache-Control` and `Content-Security-Policy`.
"""

from collections.abc import Iterable
from typing import Final

from lightspeed_core.config.addresses import is_loopback
from lightspeed_core.config.service import ServiceConfiguration

type Headers = tuple[tuple[bytes, bytes], ...]

ALWAYS: Final[Headers] = (
    # A browser must not take a model's plain text for a page.
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    # Says nothing of requests by CORS; only embedding needs a page of the service itself.
    (b"cross-origin-resource-policy", b"same-origin"),
)
UNLESS_SET: Final[Headers] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


def common_headers(service: ServiceConfiguration) -> Headers:
    """Return the headers of every answer of a service that is configured so.

    A loopback name is shared with whatever else runs on the machine, by HTTP as often as not, so
    that browsers are not told to insist on HTTPS there.
    """
    serves_https = service.tls_config.tls_certificate_path is not None
    if not serves_https or not service.hsts_seconds or is_loopback(service.host):
        return ALWAYS
    return (*ALWAYS, (b"strict-transport-security", b"max-age=%d" % service.hsts_seconds))


def with_defaults(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add what the answer does not say by itself."""
    own = list(headers)
    said = {name for name, _ in own}
    own.extend(default for default in UNLESS_SET if default[0] not in said)
    return own
