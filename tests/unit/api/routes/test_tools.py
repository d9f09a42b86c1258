"""`GET /v1/tools`."""

from starlette.types import ASGIApp

from tests.support.asgi import client_of
from tests.support.scripted_engine import ScriptedEngine, store_info


async def test_the_search_of_the_stores_is_a_tool(app: ASGIApp, engine: ScriptedEngine) -> None:
    engine.add_store(store_info("vs_1", "docs"))
    engine.add_store(store_info("vs_2", "runbooks"))
    async with client_of(app) as client:
        answer = await client.get("/v1/tools", headers={"MCP-HEADERS": "garbage"})
    assert answer.status_code == 200
    (tool,) = answer.json()["tools"]
    (parameter,) = tool.pop("parameters")
    assert tool == {
        "identifier": "file_search",
        "description": "Search the vector stores docs, runbooks.",
        "provider_id": "memory",
        "toolgroup_id": "builtin::rag",
        "server_source": "builtin",
        "type": "tool",
    }
    assert parameter.pop("description")
    assert parameter == {
        "name": "query",
        "parameter_type": "string",
        "required": True,
        "default": None,
    }


async def test_without_stores_there_is_no_tool(app: ASGIApp) -> None:
    async with client_of(app) as client:
        assert (await client.get("/v1/tools")).json() == {"tools": []}
