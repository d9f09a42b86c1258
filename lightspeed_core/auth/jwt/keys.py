"""The keys of a key server (RFC 7517): which of them can be used, and for which algorithms.

An algorithm is never taken from a token alone (RFC 8725, 3.1): each key has its own list, and a
token's algorithm must stand in it.
"""

import logging
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import JWKRegistry, Key, OctKey
from joserfc.jws import JWSRegistry

from lightspeed_core.config.authentication import ASYMMETRIC_ALGORITHMS

logger = logging.getLogger(__name__)

MOST_KEYS: Final = 200

# The key itself; certificates, addresses and private parts of an entry are not looked at.
_MATERIAL: Final = ("kty", "n", "e", "crv", "x", "y", "k")

type Entry = Mapping[str, Any]


class MalformedKeys(Exception):
    """What the key server sent is no key set; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that tokens may be signed by, and the algorithms that it may be used with."""

    key_id: str | None
    algorithms: frozenset[str]
    key: Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys as the key server lists them; two sets of one text are equal."""

    text: bytes = field(repr=False)
    keys: tuple[SigningKey, ...] = field(compare=False)

    def find(self, algorithm: str, key_id: str | None) -> SigningKey | None:
        """Return the key of that id for that algorithm, without an id the first for it.

        Of several keys with the id and the algorithm none is found: which was meant cannot be
        known.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms]
        if key_id is None:
            return fitting[0] if fitting else None
        named = [key for key in fitting if key.key_id == key_id]
        return named[0] if len(named) == 1 else None


def read_key_set(text: bytes, allowed: Collection[str] | None) -> KeySet:
    """Return the keys that can be used; raises `MalformedKeys` for what is no key set.

    `allowed` are the configured algorithms. Without them a key is good for its own `alg` alone,
    and that must be asymmetric. What cannot be used is left out (RFC 7517, 5) and logged.
    """
    keys: list[SigningKey] = []
    refused: list[str] = []
    for entry in _entries(text):
        key = _usable(cast("Entry", entry), allowed) if isinstance(entry, dict) else None
        if key is None:
            refused.append(_name_of(entry))
        else:
            keys.append(key)
    if refused:
        logger.warning("keys of the key server were left out keys=%s", refused)
    return KeySet(text, tuple(keys))


def _entries(text: bytes) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedKeys("Authentication key server returned invalid data") from error
    entries = cast("dict[str, Any]", found).get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list) or len(cast("list[Any]", entries)) > MOST_KEYS:
        raise MalformedKeys("Authentication keys are malformed")
    return cast("list[Any]", entries)


def _name_of(entry: Any) -> str:
    return str(cast("Entry", entry).get("kid")) if isinstance(entry, dict) else "no object"


def _usable(entry: Entry, allowed: Collection[str] | None) -> SigningKey | None:
    key_id = entry.get("kid")
    if not isinstance(key_id, str | None) or not _is_for_signatures(entry):
        return None
    try:
        key = _import(entry)
    except (JoseError, SecurityWarning, UnsupportedAlgorithm, ValueError, TypeError):
        return None
    algorithms = frozenset(
        model.name
        for model in JWSRegistry.filter_algorithms(key, list(_named(entry, allowed)))
        if _is_long_enough(key, model.name)
    )
    return SigningKey(key_id, algorithms, key) if algorithms else None


def _import(entry: Entry) -> Key:
    # A warning is how the library judges RSA below 2048 bits, which RFC 7518, 3.3, forbids.
    with warnings.catch_warnings(action="error", category=SecurityWarning):
        return JWKRegistry.import_key({name: entry[name] for name in _MATERIAL if name in entry})


def _is_for_signatures(entry: Entry) -> bool:
    operations = entry.get("key_ops")
    return entry.get("use") in (None, "sig") and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )


def _named(entry: Entry, allowed: Collection[str] | None) -> Iterable[str]:
    """Give the algorithms that configuration and key agree upon."""
    own = entry.get("alg")
    if own is None:
        return allowed or ()
    return [own] if own in (ASYMMETRIC_ALGORITHMS if allowed is None else allowed) else ()


def _is_long_enough(key: Key, algorithm: str) -> bool:
    """Say whether a shared secret is as long as the hash (RFC 7518, 3.2)."""
    return not isinstance(key, OctKey) or len(key.raw_value) * 8 >= int(algorithm[-3:])
