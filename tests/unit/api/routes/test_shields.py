"""`GET /v1/shields`."""

from starlette.types import ASGIApp

from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine


async def test_a_shield_has_the_keys_of_older_and_newer_clients(
    app: ASGIApp, engine: ScriptedEngine
) -> None:
    engine.add_shield("guard", "bomb")
    async with client_of(app) as client:
        answer = await client.get("/v1/shields")
    assert answer.status_code == 200
    assert answer.json() == {
        "shields": [
            {
                "identifier": "guard",
                "provider_resource_id": "guard",
                "provider_id": "rules",
                "type": "shield",
                "params": {},
                "name": "guard",
                "config": {},
            }
        ]
    }


async def test_without_shields_the_list_is_empty(app: ASGIApp) -> None:
    async with client_of(app) as client:
        assert (await client.get("/v1/shields")).json() == {"shields": []}
