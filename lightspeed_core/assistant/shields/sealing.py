"""Closes what shields took out of a question, so that all workers of the service can show it.

What is stored of it is of no use without the key, which is in no store. It knows no shield.
"""

import hashlib
import json
import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final, cast

logger = logging.getLogger(__name__)

_NONCE_BYTES: Final = 12


class Seal:
    """Encrypts and authenticates by AES-256-GCM, with the turn as associated data.

    Seals of one secret open what the others closed; without a secret a seal is alone.
    """

    def __init__(self, secret: str | None = None) -> None:
        drawn = secret.encode() if secret else secrets.token_bytes(32)
        self._key = hashlib.blake2b(drawn, digest_size=32, person=b"sealed").digest()

    def close(self, values: Mapping[str, str], turn_id: str) -> str | None:
        """Return the values as a text that says nothing; None for no value."""
        if not values:
            return None
        # Slow to import where no shield keeps values.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        told = json.dumps(dict(values)).encode()
        return b64encode(nonce + AESGCM(self._key).encrypt(nonce, told, turn_id.encode())).decode()

    def open(self, sealed: str | None, turn_id: str) -> dict[str, str]:
        """Return the values; none where another key closed them, or nobody did."""
        if sealed is None:
            return {}
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = b64decode(sealed)
            nonce, closed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            told = AESGCM(self._key).decrypt(nonce, closed, turn_id.encode())
        except (InvalidTag, ValueError):
            logger.info("placeholders stay, for another key closed them turn_id=%s", turn_id)
            return {}
        return cast("dict[str, str]", json.loads(told))
