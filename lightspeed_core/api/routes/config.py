"""`GET /v1/config`."""

from fastapi import APIRouter

from lightspeed_core.api.deps import ConfigurationDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.config import ConfigResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.config.redact import dump_configuration

router = APIRouter(prefix="/v1", tags=["config"], route_class=GuardedRoute)


@router.get(
    "/config",
    dependencies=[require(Action.GET_CONFIG)],
    responses=responses(*CALLER_ERRORS),
)
async def config(configuration: ConfigurationDep) -> ConfigResponse:
    """Show the configuration in force, secrets masked."""
    return ConfigResponse(configuration=dump_configuration(configuration))
