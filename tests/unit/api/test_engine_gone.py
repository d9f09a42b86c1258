"""What only the engine knows is 503 while it cannot be asked."""

import pytest
from starlette.types import ASGIApp

from lightspeed_core.errors import EngineUnavailable
from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine


@pytest.mark.parametrize(
    "path", ["shields", "tools", "providers", "providers/scripted", "rags", "rags/docs"]
)
async def test_an_engine_that_is_gone_is_503(
    app: ASGIApp, engine: ScriptedEngine, path: str
) -> None:
    engine.down = EngineUnavailable("Connection error.")
    async with client_of(app) as client:
        answer = await client.get(f"/v1/{path}")
    assert answer.status_code == 503
    assert answer.json()["detail"] == {
        "response": "Unable to connect to Llama Stack",
        "cause": "Connection error.",
    }
