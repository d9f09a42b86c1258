"""The token of `Authorization: Bearer <token>` (RFC 6750, 2.1); what it says is not read here."""

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.errors import Unauthenticated


def bearer_token(credentials: Credentials) -> str:
    """Return the token; raises `Unauthenticated` without one, `MalformedRequest` for several."""
    header = credentials.header("authorization")
    if header is None:
        raise Unauthenticated("No Authorization header found")
    scheme, *tokens = header.split() or [""]
    if scheme.lower() != "bearer" or len(tokens) != 1:
        raise Unauthenticated("No token found in Authorization header")
    return tokens[0]
