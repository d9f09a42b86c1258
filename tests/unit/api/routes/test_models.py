"""`GET /v1/models`."""

from typing import Any

import pytest
from starlette.types import ASGIApp

from lightspeed_core.errors import EngineUnavailable
from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine

LLM: dict[str, Any] = {
    "identifier": "scripted/model",
    "metadata": {},
    "api_model_type": "llm",
    "provider_id": "scripted",
    "type": "model",
    "provider_resource_id": "model",
    "model_type": "llm",
}


async def test_models_are_listed_for_both_kinds_of_clients(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/models?user_id=user%3Adefault%2Fada")
    assert answer.status_code == 200
    body = answer.json()
    assert body["object"] == "list"
    assert body["models"][0] == LLM
    assert body["models"][1]["metadata"] == {"embedding_dimension": 64}
    assert body["data"][0] == {
        "id": "scripted/model",
        "object": "model",
        "created": 0,
        "owned_by": "scripted",
    }
    identifiers = [model["identifier"] for model in body["models"]]
    assert [model["id"] for model in body["data"]] == identifiers


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("llm", ["scripted/model"]), ("embedding", ["scripted/embedding"]), ("none", [])],
)
async def test_models_can_be_asked_for_by_kind(
    app: ASGIApp, kind: str, expected: list[str]
) -> None:
    async with client_of(app) as client:
        body = (await client.get("/v1/models", params={"model_type": kind})).json()
    assert [model["identifier"] for model in body["models"]] == expected
    assert [model["id"] for model in body["data"]] == expected


async def test_an_unknown_parameter_is_refused(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/models?kind=llm")
    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert (fault["type"], fault["loc"]) == ("extra_forbidden", ["query", "kind"])


async def test_an_engine_that_is_gone_is_503(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.down = EngineUnavailable("Connection error.")
    async with client_of(app) as client:
        answer = await client.get("/v1/models")
    assert answer.status_code == 503
    assert answer.json() == {
        "detail": {
            "response": "Unable to connect to Llama Stack",
            "cause": "Connection error.",
        }
    }
