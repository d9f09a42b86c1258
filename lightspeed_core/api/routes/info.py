"""`GET /v1/info`."""

from importlib.metadata import version

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import ConfigurationDep, EngineDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.info import InfoResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.constants import DISTRIBUTION

router = APIRouter(prefix="/v1", tags=["info"], route_class=GuardedRoute)


@router.get(
    "/info",
    dependencies=[require(Action.INFO)],
    responses=responses(
        *CALLER_ERRORS,
        errors.EngineUnavailable,
    ),
)
async def info(configuration: ConfigurationDep, engine: EngineDep) -> InfoResponse:
    """Name the service and the versions that answer."""
    return InfoResponse(
        name=configuration.name,
        service_version=version(DISTRIBUTION),
        llama_stack_version=await engine.version(),
    )
