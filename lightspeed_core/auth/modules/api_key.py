"""One key for all callers, who thereby are one user. It knows no users."""

import hashlib
import hmac

from pydantic import SecretStr

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated


class ApiKeyAuthenticator:
    """Admits whoever sends the key as bearer token."""

    def __init__(self, key: SecretStr) -> None:
        self._expected = _digest(key.get_secret_value().encode())

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the default user; raises `Unauthenticated` for another key or none."""
        token = bearer_token(credentials)
        # Headers are decoded byte by byte, so this restores what was sent.
        sent = _digest(token.encode("latin-1", "replace"))
        # Neither where two keys differ nor how long ours is can be told from the time.
        if not hmac.compare_digest(sent, self._expected):
            raise Unauthenticated("Invalid API Key")
        # The key is not kept as the caller's token: passed on, it would open this service.
        return Identity(
            user_id=DEFAULT_USER_ID, username=DEFAULT_USER_NAME, skip_user_id_check=True
        )


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
