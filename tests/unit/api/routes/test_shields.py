"""`GET /v1/shields`."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.config.shields import ShieldConfiguration
from tests.support.asgi import build_app, client_of
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


@pytest.mark.requirement("shield.listed")
async def test_shields_of_the_configuration_come_first_and_hide_others_of_their_name(
    engine: ScriptedEngine, services: Services
) -> None:
    shield = {
        "name": "inout_pii",
        "provider_id": "redaction",
        "config": {"rules": [{"pattern": "a", "replacement": "b"}]},
    }
    section = TypeAdapter[tuple[ShieldConfiguration, ...]](tuple[ShieldConfiguration, ...])
    configuration = services.configuration.model_copy(
        update={"shields": section.validate_python([shield])}
    )
    for name in ("inout_pii", "guard"):
        engine.add_shield(name)
    async with client_of(build_app(replace(services, configuration=configuration))) as client:
        first, second = (await client.get("/v1/shields")).json()["shields"]
    assert (first["identifier"], first["name"], first["provider_id"]) == (
        "inout_pii",
        "inout_pii",
        "redaction",
    )
    assert first["type"] == "shield"
    assert first["config"]["rules"] == [{"pattern": "a", "replacement": "b"}]
    assert second["identifier"] == "guard"


async def test_without_shields_the_list_is_empty(app: ASGIApp) -> None:
    async with client_of(app) as client:
        assert (await client.get("/v1/shields")).json() == {"shields": []}
