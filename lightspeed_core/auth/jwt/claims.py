"""What the claims of a token must fulfil, and who they say the caller is (RFC 7519, 4.1)."""

import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from lightspeed_core.config.authentication import JwtConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated

LONGEST_NAME: Final = 256
_APPLICATION: Final = "application/"


def _now() -> int:
    return int(time.time())


class ClaimRules:
    """The configured demands on tokens whose signature holds."""

    def __init__(self, settings: JwtConfiguration, now: Callable[[], int] = _now) -> None:
        required = {"iss": settings.issuer, "aud": settings.audience}
        options: dict[str, ClaimsOption] = {
            name: {"essential": True, "value": value}
            for name, value in required.items()
            if value is not None
        }
        self._registry = JWTClaimsRegistry(now=now, leeway=settings.leeway, **options)
        self._settings = settings
        types = settings.token_types
        self._types = None if types is None else frozenset(_media_type(name) for name in types)

    def check_type(self, token_type: str | None) -> None:
        """Raise `Unauthenticated` for a header `typ` that is not among the configured."""
        if self._types is not None and _media_type(token_type or "") not in self._types:
            raise Unauthenticated("Token validation failed")

    def check(self, claims: dict[str, Any]) -> None:
        """Hold times, issuer and audience against the configuration; raises `Unauthenticated`.

        Without `exp` a token has no end (RFC 7519, 4.1.4 leaves it out at will).
        """
        try:
            self._registry.validate(claims)
        except ExpiredTokenError as error:
            raise Unauthenticated("Token has expired") from error
        except MissingClaimError as error:
            raise Unauthenticated(
                f"Token missing claim: {error.claim.partition(',')[0]}"
            ) from error
        except ClaimError as error:
            raise Unauthenticated("Token validation failed") from error

    def identity_of(self, claims: Mapping[str, Any], token: str) -> Identity:
        """Return whom the claims name; raises `Unauthenticated`."""
        return Identity(
            user_id=_name(claims, self._settings.user_id_claim),
            username=_name(claims, self._settings.username_claim),
            token=token,
            claims=claims,
        )

    def seconds_left(self, claims: Mapping[str, Any]) -> float | None:
        """Say for how long checked claims hold, None without an end."""
        expires = claims.get("exp")
        if expires is None:
            return None
        return expires + self._settings.leeway - self._registry.now


def _name(claims: Mapping[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if value is None:
        raise Unauthenticated(f"Token missing claim: {claim}")
    # Identity providers with numeric ids exist; a boolean is none.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _is_name(value):
        raise Unauthenticated("Token validation failed")
    return value


def _is_name(text: str) -> bool:
    return (
        0 < len(text) <= LONGEST_NAME
        and not text.isspace()
        and not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)
    )


def _media_type(name: str) -> str:
    """Return a type as RFC 7515, 4.1.9, reads it: without a slash `application/` is left out."""
    return (name if "/" in name else _APPLICATION + name).lower()
