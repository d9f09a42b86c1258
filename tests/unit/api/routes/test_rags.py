"""`GET /v1/rags` and `GET /v1/rags/{rag_id}`."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.sources import SourceSettings, StoreSettings
from tests.support.asgi import client_of, with_state
from tests.support.scripted_engine import ScriptedEngine, store_info


async def test_vector_stores_are_listed_by_their_id(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.add_store(store_info("vs_1", "docs"))
    async with client_of(app) as client:
        assert (await client.get("/v1/rags")).json() == {"rags": ["vs_1"]}


async def test_a_vector_store_is_shown(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.add_store(store_info("vs_1", "docs"))
    async with client_of(app) as client:
        answer = await client.get("/v1/rags/vs_1")
    assert answer.json() == {
        "id": "vs_1",
        "name": "docs",
        "created_at": 1763391371,
        "last_active_at": None,
        "usage_bytes": 0,
        "expires_at": None,
        "object": "vector_store",
        "status": "completed",
    }


async def test_an_unknown_vector_store_is_404(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/rags/nope")
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": {"response": "Rag not found", "cause": "Rag with ID nope does not exist"}
    }


@pytest.mark.requirement("byok.names")
async def test_a_store_with_a_rag_id_is_shown_under_it_and_found_by_both(
    bare: FastAPI, services: Services, engine: ScriptedEngine
) -> None:
    engine.add_store(store_info("vs_1", "Knowledge base"))
    settings = SourceSettings(byok=(StoreSettings(name="ocp-docs", store_id="vs_1"),))
    app = with_state(bare, replace(services, source_settings=settings))
    async with client_of(app) as client:
        listed = await client.get("/v1/rags")
        shown = [await client.get(f"/v1/rags/{name}") for name in ("ocp-docs", "vs_1")]

    assert listed.json() == {"rags": ["ocp-docs"]}
    for answer in shown:
        assert (answer.json()["id"], answer.json()["name"]) == ("ocp-docs", "Knowledge base")


@pytest.mark.attack(24)
@pytest.mark.requirement("access.stores")
async def test_a_store_that_the_caller_may_not_read_is_not_there(
    bare: FastAPI, services: Services, engine: ScriptedEngine
) -> None:
    engine.add_store(store_info("vs_1"))
    engine.add_store(store_info("vs_2"))
    settings = SourceSettings(access={"vs_1": frozenset({"ops"})}, tool=("vs_1",))
    app = with_state(bare, replace(services, source_settings=settings))
    async with client_of(app) as client:
        listed = await client.get("/v1/rags")
        hidden = await client.get("/v1/rags/vs_1")
        unknown = await client.get("/v1/rags/vs_9")
        tools = await client.get("/v1/tools")

    assert listed.json() == {"rags": ["vs_2"]}
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.text.replace("vs_1", "vs_9") == unknown.text
    assert tools.json() == {"tools": []}
