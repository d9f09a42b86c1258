"""The port of authentication: credentials in, identity out."""

from typing import Protocol

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.domain.identity import Identity


class Authenticator(Protocol):
    """Finds out who the caller is; what they may do is asked elsewhere."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the caller, with no actions but those that are open to anybody.

        Raises `Unauthenticated` for missing or wrong credentials, `MalformedRequest` for
        unreadable ones, `Forbidden` for a caller who is known and not admitted.
        """
        ...
