"""What makes the head of a request ambiguous or too large, beyond what its parser refuses.

Two servers that read one head in two ways can be made to see different requests.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import HeadTooLarge, MalformedRequest

type Headers = Sequence[tuple[bytes, bytes]]

_VERSIONS: Final = ("1.0", "1.1")
# RFC 3986 §3.2: a name or an address, and a port; no user, for Host has none (RFC 9110 §7.2).
_AUTHORITY: Final = re.compile(
    rb"(?:[A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?"
)


def check_size(target: bytes, headers: Headers, limits: ServiceLimits) -> None:
    """Raise `HeadTooLarge` for a head of too many headers or bytes."""
    if len(headers) > limits.max_headers:
        raise HeadTooLarge(f"A request may have at most {limits.max_headers} headers.")
    size = len(target) + sum(map(len, chain.from_iterable(headers)))
    if size > limits.max_header_bytes:
        raise head_too_long(limits)


def head_too_long(limits: ServiceLimits) -> HeadTooLarge:
    """Return the refusal of a head of too many bytes."""
    return HeadTooLarge(
        f"A request line and its headers may have at most {limits.max_header_bytes} bytes."
    )


def check_head(target: bytes, headers: Headers, version: str, *, upgrades: bool) -> None:
    """Raise `MalformedRequest` for a head that another server could read otherwise."""
    if version not in _VERSIONS:
        raise _malformed("The service speaks HTTP/1.1 and HTTP/1.0.")
    names = [name for name, _ in headers]
    host = _check_host(headers, names, version)
    if target[:1] != b"/":
        _check_absolute(target, host)
    if b"#" in target:
        raise _malformed("The target of a request must have no fragment.")
    if b"transfer-encoding" in names:
        _check_coding(headers, names, version)
    if upgrades and (b"content-length" in names or b"transfer-encoding" in names):
        raise _malformed("A request that asks for another protocol may have no body.")


def _check_host(headers: Headers, names: Sequence[bytes], version: str) -> bytes:
    count = names.count(b"host")
    if count == 0 and version == "1.0":
        return b""
    if count != 1:
        raise _malformed("A request needs exactly one Host header.")
    host = headers[names.index(b"host")][1]
    if not _AUTHORITY.fullmatch(host):
        raise _malformed("The Host header is not a host with an optional port.")
    return host


def _check_absolute(target: bytes, host: bytes) -> None:
    """Take `GET http://host/path` where it names the host that the header names as well."""
    scheme, found, rest = target.partition(b"://")
    authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
    is_http = found and scheme.lower() in {b"http", b"https"}
    if not is_http or authority.lower() != host.lower():
        raise _malformed("The target of a request must be a path.")


def _check_coding(headers: Headers, names: Sequence[bytes], version: str) -> None:
    values = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if b"content-length" in names:
        raise _malformed("A body has either a Content-Length or a Transfer-Encoding.")
    if values != [b"chunked"] or version != "1.1":
        raise _malformed("The only Transfer-Encoding is chunked, in HTTP/1.1.")


def _malformed(cause: str) -> MalformedRequest:
    return MalformedRequest("Invalid request", cause)
