"""Approvals of tools of real MCP servers: with and without the credentials that they ask for."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_mcp_sessions import connections_to, session_tasks, until
from tests.integration.test_mcp_turns import call, serving
from tests.support.mcp_server import CHALLENGE, McpTestServer, mcp_server
from tests.support.scripted_engine import calls, says
from tests.support.streams import parse_stream
from tests.support.whole import Whole

pytestmark = pytest.mark.requirement("approvals.locked")

TOKEN = "given-by-the-user"
GIVEN = {"MCP-HEADERS": json.dumps({"tools": {"Authorization": TOKEN}})}


@pytest.fixture
def tools() -> Generator[McpTestServer]:
    with mcp_server("tools") as running:
        running.token = TOKEN
        yield running


@asynccontextmanager
async def waiting(tools: McpTestServer, root: Path, **about: Any) -> AsyncGenerator[Whole]:
    """A service with a turn that waits for its user to allow `add`."""
    server = {
        "name": "tools",
        "url": tools.url,
        "authorization_headers": {"Authorization": "oauth"},
        "require_approval": "always",
    }
    async with serving(root, server, **about) as service:
        service.engine.will(calls(call("add", a=2, b=3)), says("It is 5."))
        asked = await service.client.post("/v1/query", json={"query": "q"}, headers=GIVEN)
        assert asked.status_code == 200, asked.text
        assert asked.json()["approval_required"]["tool"] == "add"
        yield service


async def open_approval(service: Whole) -> dict[str, Any]:
    """Return the one question that is open, as soon as it is."""
    async with asyncio.timeout(10):
        while True:
            (*listed,) = (await service.client.get("/v1/approvals")).json()["approvals"]
            if listed:
                (approval,) = listed
                return approval
            await asyncio.sleep(0.01)


async def allow(service: Whole, headers: Mapping[str, str] | None = None) -> str:
    """Allow what is asked, and return the request id of its turn."""
    approval = await open_approval(service)
    answered = await service.client.post(
        f"/v1/approvals/{approval['approval_id']}", json={"approve": True}, headers=headers
    )
    assert answered.status_code == 200, answered.text
    return approval["request_id"]


async def test_an_approval_without_the_headers_can_be_given_again_with_them(
    tools: McpTestServer, tmp_path: Path
) -> None:
    async with waiting(tools, tmp_path) as service:
        first = await allow(service)
        again = await open_approval(service)
        assert again["request_id"] == first
        assert "tools/call" not in tools.calls()
        await allow(service, GIVEN)
        rest = await service.client.get(f"/v1/streaming_query/{first}")
    events = parse_stream(rest.text)
    assert [event.event for event in events].count("approval_required") == 2
    (warned,) = [event.data for event in events if event.event == "warning"]
    assert (warned["code"], warned["server"]) == ("mcp_server_unauthorized", "tools")
    assert CHALLENGE in warned["message"]
    (result,) = [event.data for event in events if event.event == "tool_result"]
    assert (result["status"], result["content"]) == ("success", "5")
    assert events[-1].event == "end"
    assert tools.calls().count("tools/call") == 1


async def test_credentials_that_end_between_list_and_call_leave_the_question_open(
    tools: McpTestServer, tmp_path: Path
) -> None:
    async with waiting(tools, tmp_path) as service:
        tools.token = "another"
        first = await allow(service, GIVEN)
        assert (await open_approval(service))["request_id"] == first
        tools.token = TOKEN
        await allow(service, GIVEN)
        rest = await service.client.get(f"/v1/streaming_query/{first}")
    events = parse_stream(rest.text)
    assert [event.data["content"] for event in events if event.event == "tool_result"] == ["5"]
    assert tools.calls().count("tools/call") == 1


async def test_without_an_answer_the_turn_ends_though_nobody_gives_credentials(
    tools: McpTestServer, tmp_path: Path
) -> None:
    about = {"approvals": {"approval_timeout_seconds": 1}}
    async with waiting(tools, tmp_path, **about) as service:
        turn = (await open_approval(service))["request_id"]
        rest = await service.client.get(f"/v1/streaming_query/{turn}")
    events = parse_stream(rest.text)
    (result,) = [event.data for event in events if event.event == "tool_result"]
    assert result["status"] == "denied"
    assert [event.event for event in events[-2:]] == ["turn_complete", "end"]
    assert "tools/call" not in tools.calls()


@pytest.mark.requirement("mcp.bounded")
async def test_nothing_is_left_of_fifty_turns(tools: McpTestServer, tmp_path: Path) -> None:
    tools.token = None
    async with serving(tmp_path, {"name": "tools", "url": tools.url}) as service:
        before = 0
        for number in range(50):
            service.engine.will(calls(call("add", a=number)), says("Done."))
            await service.client.post(
                "/v1/query", json={"query": "q", "generate_topic_summary": False}
            )
            if number == 0:
                await until(lambda: not session_tasks())
                before = len(asyncio.all_tasks())
        await until(lambda: not session_tasks())
        await until(lambda: connections_to(tools.port) == 0)
        await until(lambda: len(asyncio.all_tasks()) <= before)
    assert tools.calls().count("tools/call") == 50
    assert tools.open_requests == 0


def running_turn() -> str:
    names = [task.get_name() for task in asyncio.all_tasks()]
    (turn,) = [name.removeprefix("turn ") for name in names if name.startswith("turn ")]
    return turn


@pytest.mark.requirement("mcp.bounded")
async def test_a_turn_that_is_stopped_ends_the_call_that_it_waits_for(
    tools: McpTestServer, tmp_path: Path
) -> None:
    tools.token = None
    async with serving(tmp_path, {"name": "tools", "url": tools.url}) as service:
        service.engine.will(calls(call("wait", seconds=60), text="I look."))
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(
                service.client.post("/v1/streaming_query", json={"query": "q"})
            )
            await until(lambda: "tools/call" in tools.calls())
            wish = {"request_id": running_turn()}
            await service.client.post("/v1/streaming_query/interrupt", json=wish)
        assert parse_stream(asked.result().text)[-1].event == "interrupted"
        await until(lambda: not session_tasks())
        await until(lambda: connections_to(tools.port) == 0)
