"""`GET /v1/skills`; this version serves none, whatever is configured."""

from fastapi import APIRouter

from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.skills import SkillsResponse
from lightspeed_core.config.authorization import Action

router = APIRouter(prefix="/v1", tags=["skills"], route_class=GuardedRoute)


@router.get(
    "/skills",
    dependencies=[require(Action.GET_SKILLS)],
    responses=responses(*CALLER_ERRORS),
)
async def skills() -> SkillsResponse:
    """List the skills of agents, of which there are none."""
    return SkillsResponse(skills=[])
