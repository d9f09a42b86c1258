"""What models are offered of real MCP servers, whatever those list."""

import json
import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_mcp_turns import add_document, ask, call, serving, will_call
from tests.support.mcp_server import Fault, McpTestServer, mcp_server, raw_tool
from tests.support.postgres import Postgres
from tests.support.whole import Whole, whole_service


@pytest.fixture
def tools() -> Generator[McpTestServer]:
    with mcp_server("tools") as running:
        yield running


def offered(service: Whole) -> list[str]:
    """Return the names of the tools that the model was offered first."""
    return [tool.name for tool in service.engine.chats[0].tools]


@pytest.mark.requirement("mcp.without-tools")
async def test_a_model_that_calls_no_tools_costs_a_warning_and_reads_documents_all_the_same(
    tools: McpTestServer, tmp_path: Path
) -> None:
    async with serving(tmp_path, {"name": "tools", "url": tools.url}) as service:
        await add_document(service.engine)
        models = service.engine.model_list
        models[0] = replace(models[0], metadata={"calls_tools": False})
        answer = await ask(service, "/v1/query", "What does OLM install?")
    assert offered(service) == []
    assert [each["code"] for each in answer["warnings"]] == ["model_without_tools"]
    assert answer["response"]
    assert [each["doc_title"] for each in answer["referenced_documents"]] == ["OLM"]
    assert tools.received == []


@pytest.mark.requirement("mcp.many")
@pytest.mark.parametrize("limit", [120, 5])
async def test_of_a_thousand_tools_as_many_are_offered_as_models_take(
    tools: McpTestServer, tmp_path: Path, limit: int
) -> None:
    tools.tools = [raw_tool(f"tool_{number}") for number in range(1000)]
    servers = ({"name": "many", "url": tools.raw(Fault.NONE)}, {"name": "few", "url": tools.url})
    settings = {} if limit == 120 else {"mcp": {"max_tools": limit}}
    async with serving(tmp_path, *servers, **settings) as service:
        will_call(service.engine, call("tool_0"))
        answer = await ask(service, "/v1/query")
    assert offered(service) == [f"tool_{number}" for number in range(limit)]
    assert answer["tool_results"][0]["status"] == "success"
    warned = {each["server"]: each["message"] for each in answer["warnings"]}
    assert f"many, {1000 - limit} were left out" in warned["many"]
    assert "few" in warned


@pytest.mark.requirement("mcp.names")
@pytest.mark.attack(46)
async def test_tools_of_any_form_reach_the_model_in_a_form_that_it_takes(
    tools: McpTestServer, tmp_path: Path
) -> None:
    loop: dict[str, Any] = {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "odd": 5, "kinds": {"type": ["null", "string"]}},
        "required": "next",
    }
    odd = ["a b", "a.b", "a\nb", "é" * 100, "tool\x00", "file_search", "say", "say"]
    tools.tools = [raw_tool(name) | {"inputSchema": loop} for name in odd]
    tools.tools += [raw_tool(""), raw_tool("long", "x" * 100_000)]
    async with serving(tmp_path, {"name": "odd one", "url": tools.raw(Fault.NONE)}) as service:
        listed = (await service.client.get("/v1/tools")).json()["tools"]
        will_call(service.engine, *(call(name, name) for name in offered_by(listed)))
        answer = await ask(service, "/v1/query")
    names = offered(service)
    assert len(names) == len(set(names)) == 7
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert names == offered_by(listed)
    assert "file_search" not in names
    assert [each["status"] for each in answer["tool_results"]] == ["success"] * 7
    asked = [json.loads(each["content"].removeprefix("raw: ")) for each in answer["tool_results"]]
    assert sorted(each["name"] for each in asked) == sorted(set(odd))
    (warned,) = answer["warnings"]
    assert (warned["code"], warned["server"]) == ("mcp_tools_left_out", "odd one")


def offered_by(listed: list[dict[str, Any]]) -> list[str]:
    return [tool["identifier"] for tool in listed]


@pytest.mark.requirement("mcp.data")
@pytest.mark.attack(46)
async def test_characters_that_databases_refuse_are_kept_or_cost_their_server_alone(
    tools: McpTestServer, tmp_path: Path, postgres: Postgres
) -> None:
    odd = "a\x00b \u2028 \U0010ffff"
    tools.tools = [raw_tool("answer", "half a character: \ud800")]
    servers = [{"name": "raw", "url": tools.raw(Fault.NONE)}, {"name": "say", "url": tools.url}]
    async with whole_service(tmp_path, postgres.settings(), mcp_servers=servers) as service:
        will_call(service.engine, call("say", text=odd))
        answer = await ask(service, "/v1/query")
        kept = await service.client.get(f"/v1/conversations/{answer['conversation_id']}")
    assert answer["recorded"] is True
    assert answer["tool_results"][0]["content"] == odd
    assert [each["server"] for each in answer["warnings"]] == ["raw"]
    assert kept.status_code == 200
    assert json.dumps(odd) in json.dumps(kept.json())


@pytest.mark.requirement("mcp.address-secrets")
async def test_what_an_address_keeps_secret_is_told_to_nobody(
    tools: McpTestServer, tmp_path: Path
) -> None:
    secret = "pass-4711"
    place = f"127.0.0.1:{tools.port}/raw/{{}}/mcp?team=red&apiKey={secret}"
    faults = (Fault.NONE, Fault.REDIRECT, Fault.STATUS)
    servers = [{"name": fault, "url": f"http://{place.format(fault)}"} for fault in faults]
    servers.append({"name": "user", "url": f"http://ann:{secret}@{place.format(Fault.NONE)}"})
    locked = {"name": "locked", "url": f"http://{place.format(Fault.UNAUTHORIZED)}"}
    tools.location = "/elsewhere"
    async with serving(tmp_path, *servers) as service:
        told = [
            (await service.client.post("/v1/query", json={"query": "q"})).text,
            (await service.client.get("/v1/tools")).text,
            (await service.client.get("/v1/mcp-servers")).text,
            (await service.client.get("/v1/config")).text,
        ]
    async with serving(tmp_path, locked) as service:
        refused = await service.client.post("/v1/query", json={"query": "q"})
    shown = f"127.0.0.1:{tools.port}/raw/{{}}/mcp?team=***&apiKey=***"
    assert refused.status_code == 401
    assert f"MCP server at http://{shown.format(Fault.UNAUTHORIZED)} requires" in refused.text
    assert all(secret not in text for text in (*told, refused.text))
    assert f"http://{shown.format(Fault.NONE)}" in told[1]
    assert f"http://***@{shown.format(Fault.NONE)}" in told[2]
    assert {request.path for request in tools.received} >= {"/raw/none/mcp", "/raw/redirect/mcp"}
