"""`GET /v1/info`."""

from importlib.metadata import version

from starlette.types import ASGIApp

from lightspeed_core.errors import EngineUnavailable
from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine


async def test_the_service_names_itself_and_its_versions(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/info")
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Test & Service",
        "service_version": version("lightspeed-stack"),
        "llama_stack_version": "0.7.3",
    }


async def test_a_server_that_cannot_be_asked_is_503(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.down = EngineUnavailable("Connection error.")
    async with client_of(app) as client:
        assert (await client.get("/v1/info")).status_code == 503
