"""Believes whatever user id the request names; for trusted networks and single users."""

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.named_user import named_user
from lightspeed_core.constants import DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity


class NoopAuthenticator:
    """Takes the query parameter `user_id`, any text, else the default user."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the named user; raises `MalformedRequest` for a name that is none."""
        return Identity(
            user_id=named_user(credentials), username=DEFAULT_USER_NAME, skip_user_id_check=True
        )
