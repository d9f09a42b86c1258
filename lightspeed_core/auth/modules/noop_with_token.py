"""Believes the named user, as `noop` does, and keeps the token that must come along.

It does not know what the token says.
"""

from lightspeed_core.auth.bearer import bearer_token
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.named_user import named_user
from lightspeed_core.constants import DEFAULT_USER_NAME
from lightspeed_core.domain.identity import Identity


class NoopWithTokenAuthenticator:
    """Takes any bearer token, and the query parameter `user_id`, else the default user."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Return the named user; raises `Unauthenticated` without a token."""
        token = bearer_token(credentials)
        return Identity(
            user_id=named_user(credentials),
            username=DEFAULT_USER_NAME,
            skip_user_id_check=True,
            token=token,
        )
