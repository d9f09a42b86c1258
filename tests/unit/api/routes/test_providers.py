"""`GET /v1/providers` and `GET /v1/providers/{provider_id}`."""

import pytest
from starlette.types import ASGIApp

from lightspeed_core.engine.types import ProviderHealth, ProviderInfo
from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine


async def test_providers_are_listed_by_their_api(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/providers")
    assert answer.json() == {
        "providers": {
            "inference": [{"provider_id": "scripted", "provider_type": "inline::scripted"}],
            "vector_io": [{"provider_id": "memory", "provider_type": "inline::memory"}],
        }
    }


SICK = ProviderHealth(provider_id="scripted", status="Error", message="no answer within 5 s")
FINE = ProviderHealth(provider_id="scripted", status="OK")
SILENT = {"status": "Not Implemented", "message": "Provider does not implement health check"}


@pytest.mark.parametrize(
    ("told", "health"),
    [
        ([FINE], {"status": "OK", "message": ""}),
        ([FINE, SICK], {"status": "Error", "message": "no answer within 5 s"}),
        ([ProviderHealth(provider_id="other", status="Error")], SILENT),
        ([ProviderHealth(provider_id="scripted", status="Not Implemented")], SILENT),
    ],
)
async def test_a_provider_is_shown_with_its_settings_and_its_health(
    app: ASGIApp, engine: ScriptedEngine, told: list[ProviderHealth], health: dict[str, str]
) -> None:
    config = {"api_key": "********", "base_url": "http://localhost"}
    engine.provider_list = [
        ProviderInfo(
            provider_id="scripted", provider_type="inline::scripted", api="inference", config=config
        )
    ]
    engine.health_list = told
    async with client_of(app) as client:
        answer = await client.get("/v1/providers/scripted")
    assert answer.status_code == 200
    assert answer.json() == {
        "api": "inference",
        "config": config,
        "health": health,
        "provider_id": "scripted",
        "provider_type": "inline::scripted",
    }


async def test_an_unknown_provider_is_404(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/providers/nope")
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": {
            "response": "Provider not found",
            "cause": "Provider with ID nope does not exist",
        }
    }
