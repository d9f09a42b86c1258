"""`GET /v1/shields`."""

from fastapi import APIRouter

from lightspeed_core.api.deps import ConfigurationDep, EngineDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.shields import Shield, ShieldsResponse
from lightspeed_core.assistant.shields.configured import describe_configured
from lightspeed_core.assistant.shields.registered import together_with
from lightspeed_core.config.authorization import Action
from lightspeed_core.engine.types import ShieldInfo

router = APIRouter(prefix="/v1", tags=["shields"], route_class=GuardedRoute)


@router.get(
    "/shields",
    dependencies=[require(Action.GET_SHIELDS)],
    responses=responses(*ENGINE_ERRORS),
)
async def shields(engine: EngineDep, configuration: ConfigurationDep) -> ShieldsResponse:
    """List the shields that a question may name: those of the service, then Llama Stack's."""
    configured = [describe_configured(each) for each in configuration.shields]
    listed = together_with(configured, await engine.shields())
    return ShieldsResponse(shields=[_shield(shield) for shield in listed])


def _shield(shield: ShieldInfo) -> Shield:
    return Shield(
        identifier=shield.identifier,
        provider_resource_id=shield.provider_resource_id,
        provider_id=shield.provider_id,
        type="shield",
        params=dict(shield.params),
        name=shield.identifier,
        config=dict(shield.params),
    )
