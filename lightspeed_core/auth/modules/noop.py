"""Believes whatever user id the request names; for trusted networks and single users."""

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.constants import DEFAULT_USER_ID, DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import MalformedRequest

_PARAMETER = "user_id"


class NoopAuthenticator:
    """Takes the query parameter `user_id`, any text, else the default user."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the named user; raises `MalformedRequest` for a name that is none."""
        user_id = credentials.parameter(_PARAMETER)
        if user_id is None:
            user_id = DEFAULT_USER_ID
        if not user_id:
            raise MalformedRequest("Invalid user ID", "user_id cannot be empty")
        if "\0" in user_id:
            raise MalformedRequest("Invalid user ID", "user_id cannot contain NUL characters")
        return Identity(user_id=user_id, username=DEFAULT_USER_NAME, skip_user_id_check=True)
