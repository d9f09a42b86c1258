"""`POST /authorized`: who am I?"""

from typing import Annotated

from fastapi import APIRouter

from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, authenticated
from lightspeed_core.api.schemas.authorized import AuthorizedResponse
from lightspeed_core.domain.identity import Identity

router = APIRouter(tags=["authorized"], route_class=GuardedRoute)


@router.post(
    "/authorized",
    responses=responses(
        *CALLER_ERRORS,
    ),
)
async def authorized(caller: Annotated[Identity, authenticated()]) -> AuthorizedResponse:
    """Tell the caller who they are."""
    return AuthorizedResponse(
        user_id=caller.user_id,
        username=caller.username,
        skip_userid_check=caller.skip_user_id_check,
    )
