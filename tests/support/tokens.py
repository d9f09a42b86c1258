"""Signed tokens and the keys they are signed by, as an identity provider makes them."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

LIFETIME = 300
_CURVES: Mapping[str, Literal["P-256", "P-384", "P-521", "secp256k1"]] = {
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "ES256K": "secp256k1",
}


@dataclass(frozen=True)
class TokenKey:
    """A private key with the id and the algorithm under which it is published."""

    key: Key
    algorithm: str
    key_id: str | None

    def published(self, **members: Any) -> dict[str, Any]:
        """Return its public half as an entry of a key set; a member that is None is left out."""
        entry: dict[str, Any] = {
            **self.key.as_dict(private=False),
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.key_id,
            **members,
        }
        return {name: value for name, value in entry.items() if value is not None}

    def sign(
        self, claims: Mapping[str, Any] | None = None, *, header: Mapping[str, Any] | None = None
    ) -> str:
        """Return a token with these claims; a member of the header that is None is left out."""
        members = {"alg": self.algorithm, "kid": self.key_id, **(header or {})}
        shown = {name: value for name, value in members.items() if value is not None}
        payload = dict(claims_of("ada") if claims is None else claims)
        with warnings.catch_warnings(action="ignore", category=SecurityWarning):
            return jwt.encode(shown, payload, self.key, [self.algorithm])


def claims_of(user: str, **more: Any) -> dict[str, Any]:
    """Return claims with which a default configuration knows a user; None leaves one out."""
    now = int(time.time())
    claims = {
        "user_id": user,
        "username": f"{user}'s name",
        "iat": now,
        "exp": now + LIFETIME,
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


@cache
def token_key(key_id: str | None = "first", algorithm: str = "ES256") -> TokenKey:
    """Return a key of that id for that algorithm, the same one for the whole run."""
    return TokenKey(_generate(algorithm), algorithm, key_id)


def _generate(algorithm: str) -> Key:
    if algorithm in _CURVES:
        return ECKey.generate_key(_CURVES[algorithm])
    if algorithm.startswith("HS"):
        return OctKey.generate_key(int(algorithm[2:]))
    if algorithm.startswith("Ed"):
        return OKPKey.generate_key("Ed448" if algorithm == "Ed448" else "Ed25519")
    return RSAKey.generate_key(2048)
