"""The user whom a request names in its query, for modules that believe it."""

from typing import Final

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.constants import DEFAULT_USER_ID
from lightspeed_core.errors import MalformedRequest

_PARAMETER: Final = "user_id"


def named_user(credentials: Credentials) -> str:
    """Return the query parameter `user_id`, else the default user.

    Raises `MalformedRequest` for a name that is none, or for several.
    """
    user_id = credentials.parameter(_PARAMETER)
    if user_id is None:
        return DEFAULT_USER_ID
    if not user_id:
        raise MalformedRequest("Invalid user ID", "user_id cannot be empty")
    if "\0" in user_id:
        raise MalformedRequest("Invalid user ID", "user_id cannot contain NUL characters")
    return user_id
