"""Believes the header `x-rh-identity`, which a gateway in front sets for callers that it knows.

It cannot know whether the gateway or somebody else has set it.
"""

import base64
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.strict_json import decode_strictly
from lightspeed_core.config.authentication import RHIdentityConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, MalformedRequest, Unauthenticated

HEADER: Final = "x-rh-identity"

_LONGEST_TEXT: Final = 256
# Control characters, and halves of characters, which no store takes.
_NO_TEXT: Final = {"Cc", "Cs"}

type _Object = Mapping[str, Any]


class RhIdentityAuthenticator:
    """Takes user, system or service account from the header."""

    def __init__(self, configuration: RHIdentityConfiguration) -> None:
        self._max_size = configuration.max_header_size
        self._required = configuration.required_entitlements or ()

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return whom the header names; its content are the claims.

        Raises `Unauthenticated` without the header, `MalformedRequest` where it cannot be
        understood, `Forbidden` where an entitlement is missing.
        """
        header = credentials.header(HEADER)
        if header is None:
            raise Unauthenticated(f"Missing {HEADER} header")
        content = self._decode(header)
        caller = _caller_of(_object_at(content, "identity"))
        self._check_entitlements(content)
        return replace(caller, claims=content)

    def _decode(self, header: str) -> _Object:
        if len(header) > self._max_size:
            raise MalformedRequest(
                f"{HEADER} header exceeds maximum allowed size",
                f"The header has {len(header)} bytes; {self._max_size} are allowed.",
            )
        text = _bytes_of(header)
        if text is None:
            raise MalformedRequest(
                f"Invalid base64 encoding in {HEADER} header",
                "The header must be standard base64 with padding (RFC 4648, section 4).",
            )
        try:
            content = decode_strictly(text)
        except ValueError:
            raise MalformedRequest(
                f"Invalid JSON in {HEADER} header",
                "The header must decode to a JSON object in UTF-8 with unique names.",
            ) from None
        if not isinstance(content, dict):
            raise _invalid("the header must hold an object")
        return cast("_Object", content)

    def _check_entitlements(self, content: _Object) -> None:
        if not self._required:
            return
        entitlements = _object_at({"entitlements": {}, **content}, "entitlements")
        missing = [name for name in self._required if not _is_entitled(entitlements.get(name))]
        if missing:
            raise Forbidden("Insufficient entitlements", f"Missing: {', '.join(missing)}")


def _bytes_of(header: str) -> bytes | None:
    try:
        text = base64.b64decode(header, validate=True)
    except ValueError:
        return None
    # Python also takes padding that is too long, and bits beyond the last byte.
    return text if base64.b64encode(text).decode() == header else None


def _caller_of(identity: _Object) -> Identity:
    match identity.get("type"):
        case "User":
            user = _object_at(identity, "user")
            return Identity(user_id=_text_at(user, "user_id"), username=_text_at(user, "username"))
        case "System":
            system = _object_at(identity, "system")
            name = _text_at(system, "cn")
            _text_at(identity, "org_id")
            if identity.get("account_number") is None:
                return Identity(user_id=name, username=name)
            return Identity(user_id=name, username=_text_at(identity, "account_number"))
        case "ServiceAccount":
            account = _object_at(identity, "service_account")
            return Identity(
                user_id=_text_at(account, "client_id"), username=_text_at(account, "username")
            )
        case _:
            raise _invalid("type must be User, System or ServiceAccount")


def _object_at(holder: _Object, name: str) -> _Object:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise _invalid(f"{name} must be an object")
    return cast("_Object", value)


def _text_at(holder: _Object, name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise _invalid(f"{name} must be a text of 1 to {_LONGEST_TEXT} characters")
    if any(unicodedata.category(character) in _NO_TEXT for character in value):
        raise _invalid(f"{name} must be a text without control characters")
    return value


def _is_entitled(entitlement: Any) -> bool:
    if not isinstance(entitlement, dict):
        return False
    return cast("_Object", entitlement).get("is_entitled") is True


def _invalid(problem: str) -> MalformedRequest:
    return MalformedRequest("Invalid identity data", f"In the header {HEADER}, {problem}.")
