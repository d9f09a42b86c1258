"""The form of a signed token, judged before anything of it is believed. Knows no keys.

What RFC 7515 lets a header say about where keys are (`jku`, `jwk`, `x5u`, `x5c`) is not read at
all: keys come from the configured key server alone (RFC 8725, 3.10).
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lightspeed_core.auth.strict_json import decode_strictly
from lightspeed_core.errors import Unauthenticated

LONGEST_TOKEN: Final = 16 * 1024
"""Characters; what identity providers issue has a tenth of it, and longer ones get no further."""
DEEPEST_NESTING: Final = 32

# Header, payload and signature, each in base64url without padding (RFC 7515, 7.1).
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHeader:
    """What is read of a token's header; nothing of it is proven yet."""

    algorithm: str
    key_id: str | None = None
    token_type: str | None = None


def refuse_long(token: str) -> None:
    """Raise `Unauthenticated` for more than `LONGEST_TOKEN`, at no cost that grows with it."""
    if len(token) > LONGEST_TOKEN:
        raise Unauthenticated("Token could not be decoded")


def read_header(token: str) -> TokenHeader:
    """Return the header of a token of acceptable length; raises `Unauthenticated`."""
    if not _COMPACT.fullmatch(token):
        raise Unauthenticated("Token could not be decoded")
    segment = token.partition(".")[0]
    try:
        header = read_object(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError as error:
        raise Unauthenticated("Token could not be decoded") from error
    # No extension is understood here, so none may be critical (RFC 7515, 4.1.11).
    if "crit" in header:
        raise Unauthenticated("Token format error")
    algorithm = _text(header, "alg")
    if algorithm is None:
        raise Unauthenticated("Token format error")
    return TokenHeader(
        algorithm=algorithm, key_id=_text(header, "kid"), token_type=_text(header, "typ")
    )


def read_object(encoded: bytes) -> dict[str, Any]:
    """Decode a JSON object strictly; raises `ValueError`.

    Two members of one name are refused (RFC 7519, 4), and so are NaN, infinity and nesting
    deeper than `DEEPEST_NESTING`.
    """
    found: object = decode_strictly(encoded)
    if not isinstance(found, dict) or not _is_shallow(cast("object", found), DEEPEST_NESTING):
        raise ValueError("no object, or nested too deeply")
    return cast("dict[str, Any]", found)


def _text(header: Mapping[str, Any], name: str) -> str | None:
    value = header.get(name)
    if value is not None and not isinstance(value, str):
        raise Unauthenticated("Token format error")
    return value


def _is_shallow(value: object, levels: int) -> bool:
    inner: Iterable[object]
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value).values()
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    else:
        return True
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inner)
