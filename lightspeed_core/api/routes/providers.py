"""`GET /v1/providers` and `GET /v1/providers/{provider_id}`."""

from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter

from lightspeed_core.api.deps import EngineDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas import providers as schemas
from lightspeed_core.config.authorization import Action
from lightspeed_core.engine.types import ProviderHealth
from lightspeed_core.errors import InvalidRequest, NotFound

_UNKNOWN: Final = "Not Implemented"

router = APIRouter(prefix="/v1", tags=["providers"], route_class=GuardedRoute)


@router.get(
    "/providers",
    dependencies=[require(Action.LIST_PROVIDERS)],
    responses=responses(*ENGINE_ERRORS),
)
async def providers(engine: EngineDep) -> schemas.ProvidersResponse:
    """List the providers by the API that they serve."""
    by_api: dict[str, list[schemas.ProviderName]] = {}
    for each in await engine.providers():
        name = schemas.ProviderName(provider_id=each.provider_id, provider_type=each.provider_type)
        by_api.setdefault(each.api, []).append(name)
    return schemas.ProvidersResponse(providers=by_api)


@router.get(
    "/providers/{provider_id}",
    dependencies=[require(Action.GET_PROVIDER)],
    responses=responses(*ENGINE_ERRORS, InvalidRequest, NotFound),
)
async def provider(provider_id: str, engine: EngineDep) -> schemas.ProviderResponse:
    """Show a provider with its settings, secrets masked, and ask it how it is."""
    for each in await engine.providers():
        if each.provider_id == provider_id:
            return schemas.ProviderResponse(
                api=each.api,
                config=dict(each.config),
                health=_health_of(provider_id, await engine.health()),
                provider_id=each.provider_id,
                provider_type=each.provider_type,
            )
    raise NotFound("provider", provider_id)


def _health_of(provider_id: str, told: Iterable[ProviderHealth]) -> schemas.ProviderHealth:
    """Take the worst of what is told, for a provider may serve several APIs."""
    ours = [health for health in told if health.provider_id == provider_id]
    ours.sort(key=lambda health: health.is_healthy)
    health = ours[0] if ours else ProviderHealth(provider_id=provider_id, status=_UNKNOWN)
    unknown = "Provider does not implement health check" if health.status == _UNKNOWN else ""
    return schemas.ProviderHealth(status=health.status, message=health.message or unknown)
