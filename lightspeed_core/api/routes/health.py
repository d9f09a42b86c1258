"""The probes, each under both spellings."""

from fastapi import APIRouter, Response, status

from lightspeed_core.api.deps import ConfigurationDep, ConversationsDep, EngineDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.examples import NOT_READY_EXAMPLE
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.readiness import judge_readiness
from lightspeed_core.api.schemas.health import LivenessResponse, ReadinessResponse
from lightspeed_core.config.authorization import Action

router = APIRouter(
    tags=["health"],
    route_class=GuardedRoute,
    responses=responses(
        *CALLER_ERRORS,
    ),
)


@router.get(
    "/readiness",
    dependencies=[require(Action.INFO)],
    responses={
        503: {
            "model": ReadinessResponse,
            "description": "Not ready, with the reason.",
            "content": {"application/json": {"example": NOT_READY_EXAMPLE}},
        }
    },
)
@router.get("/v1/readiness", dependencies=[require(Action.INFO)], include_in_schema=False)
async def readiness(
    engine: EngineDep,
    configuration: ConfigurationDep,
    conversations: ConversationsDep,
    response: Response,
) -> ReadinessResponse:
    """Say whether questions can be answered; providers are really asked."""
    verdict = await judge_readiness(engine, configuration, conversations)
    if not verdict.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return verdict


@router.get("/liveness", dependencies=[require(Action.INFO)])
@router.get("/v1/liveness", dependencies=[require(Action.INFO)], include_in_schema=False)
async def liveness() -> LivenessResponse:
    """Say that the process answers; no provider is asked."""
    return LivenessResponse(alive=True)
