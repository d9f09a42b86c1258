"""`GET /v1/tools`."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.sources import SourceSettings, StoreSettings
from tests.support.asgi import client_of, with_state
from tests.support.scripted_engine import ScriptedEngine, store_info


@pytest.mark.requirement("retrieval.tool")
async def test_the_search_is_a_tool_over_the_stores_that_are_configured_for_it(
    bare: FastAPI, services: Services, engine: ScriptedEngine
) -> None:
    for store_id in ("vs_1", "vs_2", "vs_3"):
        engine.add_store(store_info(store_id))
    settings = SourceSettings(
        byok=(StoreSettings(name="docs", store_id="vs_1"),), tool=("docs", "vs_3", "okp")
    )
    app = with_state(bare, replace(services, source_settings=settings))
    async with client_of(app) as client:
        answer = await client.get("/v1/tools", headers={"MCP-HEADERS": "garbage"})
    assert answer.status_code == 200
    (tool,) = answer.json()["tools"]
    (parameter,) = tool.pop("parameters")
    assert tool == {
        "identifier": "file_search",
        "description": "Search the documents of docs, vs_3 for passages that bear on the question. "
        "Results are numbered passages to be cited by their number.",
        "provider_id": "memory",
        "toolgroup_id": "builtin::rag",
        "server_source": "builtin",
        "type": "tool",
    }
    assert parameter.pop("description")
    assert parameter == {
        "name": "queries",
        "parameter_type": "array",
        "required": True,
        "default": None,
    }


async def test_stores_that_are_searched_without_the_model_are_no_tool(
    app: ASGIApp, engine: ScriptedEngine
) -> None:
    engine.add_store(store_info("vs_1"))
    async with client_of(app) as client:
        assert (await client.get("/v1/tools")).json() == {"tools": []}


async def test_a_tool_over_no_store_that_exists_is_no_tool(
    bare: FastAPI, services: Services
) -> None:
    app = with_state(bare, replace(services, source_settings=SourceSettings(tool=("docs",))))
    async with client_of(app) as client:
        assert (await client.get("/v1/tools")).json() == {"tools": []}
