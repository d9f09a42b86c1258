"""Sessions with real servers: what they say, how they break, and that nothing is left of them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from lightspeed_core.app.background import background_group
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.models import ServerSource
from lightspeed_core.mcp.sdk import SdkSessions
from lightspeed_core.mcp.servers import ToolServer, Transport
from lightspeed_core.mcp.session import Session
from tests.support.http_server import http_server, redirect
from tests.support.mcp_server import CHALLENGE, Fault, McpTestServer, mcp_server

BOUND_SECONDS = 10.0
PATIENT = McpLimits(connect=10.0, close=1.0)
QUICK = McpLimits(connect=2.0, list=2.0, close=1.0)


@pytest.fixture(scope="module")
def servers() -> Generator[McpTestServer]:
    with mcp_server() as running:
        yield running


@pytest.fixture
def server(servers: McpTestServer) -> McpTestServer:
    servers.received.clear()
    servers.challenge = CHALLENGE
    return servers


@asynccontextmanager
async def sessions(
    limits: McpLimits = PATIENT, outbound: OutboundSettings | None = None
) -> AsyncGenerator[SdkSessions]:
    async with background_group() as group:
        yield SdkSessions(outbound or OutboundSettings(), limits, group)


async def opened(
    sessions: SdkSessions,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    on_changed: Callable[[], None] = lambda: None,
    **about: Any,
) -> Session:
    return await sessions.open(ToolServer(name="a", url=url, **about), headers or {}, on_changed)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


def session_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("mcp ")]


def connections_to(port: int) -> int:
    """Count the connections of this process to a port that are not closed."""
    return sum(
        connection.status == psutil.CONN_ESTABLISHED
        for connection in psutil.Process().net_connections(kind="tcp")
        if connection.raddr and connection.raddr.port == port
    )


def ways(server: McpTestServer) -> dict[Transport, str]:
    return {
        Transport.STREAMABLE_HTTP: server.url,
        Transport.SSE: server.sse_url,
        Transport.AUTO: server.sse_url,
    }


@pytest.mark.requirement("mcp.transports")
@pytest.mark.parametrize("way", [Transport.STREAMABLE_HTTP, Transport.SSE, Transport.AUTO])
async def test_tools_are_listed_and_called_by_each_transport(
    server: McpTestServer, way: Transport
) -> None:
    async with sessions() as open_sessions:
        session = await opened(
            open_sessions, ways(server)[way], {"authorization": "Bearer t"}, transport=way
        )
        tools = {tool.name: tool for tool in await session.list_tools()}
        assert tools["add"].description == "Add two numbers."
        assert tools["add"].parameters["required"] == ["a"]
        results = await asyncio.gather(
            *(session.call("add", {"a": number}, 5) for number in range(5))
        )
        assert [result.text for result in results] == ["1", "2", "3", "4", "5"]
        sent = json.loads((await session.call("headers", {}, 5)).text)
        assert sent["authorization"] == "Bearer t"
        assert sent["accept-encoding"] == "identity"
        session.close()
        await until(lambda: not session_tasks())
    await until(lambda: connections_to(server.port) == 0)


async def test_parts_are_joined_by_a_blank_and_what_is_no_text_is_named(
    server: McpTestServer,
) -> None:
    async with sessions(McpLimits(result_chars=1000)) as open_sessions:
        session = await opened(open_sessions, server.url)
        parts = await session.call("parts", {}, 5)
        assert parts.text == "one two [image of type image/png, not shown] a note"
        long = await session.call("long", {"characters": 5000}, 5)
        assert long.text == "x" * 1000 + "\n[cut off: 1000 of 5000 characters are shown]"
        failed = await session.call("fail", {}, 5)
        assert failed.is_error
        assert "the disk is full" in failed.text
        unknown = await session.call("nope", {}, 5)
        assert unknown.is_error
        session.close()


async def test_a_changed_list_of_tools_is_told(server: McpTestServer) -> None:
    told = asyncio.Event()
    async with sessions() as open_sessions, asyncio.timeout(BOUND_SECONDS):
        session = await opened(open_sessions, server.url, on_changed=told.set)
        assert (await session.call("change", {}, 5)).text == "changed"
        await told.wait()
        session.close()


async def failure_of(open_sessions: SdkSessions, server: McpTestServer, fault: Fault) -> McpFailed:
    """Do what a turn does, and return how it fails."""
    with pytest.raises(McpFailed) as failed:
        session = await opened(
            open_sessions, server.raw(fault), transport=Transport.STREAMABLE_HTTP
        )
        await session.list_tools()
        await session.call("answer", {}, 2)
    return failed.value


@pytest.mark.requirement("mcp.bounded")
@pytest.mark.attack(46)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.HANG_AT_START, "it did not answer within 2 s"),
        (Fault.HANG_AT_LIST, "it did not answer within 2 s"),
        (Fault.HANG_AT_CALL, "it did not answer within 2 s"),
        (Fault.HUGE_LIST, "it sent more than 2097152 bytes"),
        (Fault.HUGE_RESULT, "it sent more than 2097152 bytes"),
        (Fault.INVALID_JSON, "it sent what is not of the protocol"),
        (Fault.WRONG_LIST, "it sent what is not of the protocol"),
        (Fault.WRONG_RESULT, "it sent what is not of the protocol"),
        (Fault.CYCLE_OF_CURSORS, "its list of tools has more than 20 pages"),
        (Fault.COMPRESSED, "it sent a compressed answer, which was not asked for"),
        (Fault.STATUS, "it answered with status 500"),
        (Fault.UNAUTHORIZED, "it asks for credentials"),
    ],
)
async def test_a_server_that_breaks_the_protocol_is_left_in_time(
    server: McpTestServer, fault: Fault, reason: str
) -> None:
    async with sessions(QUICK) as open_sessions, asyncio.timeout(BOUND_SECONDS):
        assert (await failure_of(open_sessions, server, fault)).reason == reason
    await until(lambda: not session_tasks())
    await until(lambda: server.open_requests == 0)
    await until(lambda: connections_to(server.port) == 0)


@pytest.mark.attack(46)
async def test_a_stream_without_end_is_left_in_time(server: McpTestServer) -> None:
    async with sessions(QUICK) as open_sessions, asyncio.timeout(BOUND_SECONDS):
        failure = await failure_of(open_sessions, server, Fault.ENDLESS_STREAM)
        assert failure.reason.startswith(("it sent more than", "it did not answer within 2 s"))
    await until(lambda: server.open_requests == 0)


@pytest.mark.attack(46)
async def test_a_tool_that_has_another_name_by_now_is_an_answer(server: McpTestServer) -> None:
    async with sessions() as open_sessions:
        session = await opened(open_sessions, server.raw(Fault.RENAMED_TOOL))
        result = await session.call("answer", {}, 5)
        assert (result.is_error, result.text) == (True, "Unknown tool: answer")
        session.close()


@pytest.mark.requirement("mcp.unauthorized")
@pytest.mark.parametrize("way", [Transport.STREAMABLE_HTTP, Transport.AUTO])
async def test_a_refusal_of_credentials_carries_the_servers_challenge(
    server: McpTestServer, way: Transport
) -> None:
    async with sessions() as open_sessions:
        with pytest.raises(McpUnauthorized) as refused:
            await opened(open_sessions, server.raw(Fault.UNAUTHORIZED), transport=way)
    assert refused.value.challenge == CHALLENGE


@pytest.mark.attack(43)
@pytest.mark.parametrize("location", ["/mcp", "http://127.0.0.1:9/mcp", "https://127.0.0.1/mcp"])
async def test_a_redirect_is_not_followed(server: McpTestServer, location: str) -> None:
    server.location = location
    async with sessions() as open_sessions:
        with pytest.raises(McpFailed, match="which is not followed"):
            await opened(open_sessions, server.raw(Fault.REDIRECT))
    assert [request.path for request in server.received] == ["/raw/redirect/mcp"]


async def test_a_redirect_of_a_stream_is_not_followed() -> None:
    async with http_server() as other, sessions() as open_sessions:
        other.answers["/sse"] = redirect(other.url("/elsewhere"))
        with pytest.raises(McpFailed, match="which is not followed"):
            await opened(open_sessions, other.url("/sse"), transport=Transport.SSE)
        assert other.asked == ["/sse"]


@pytest.mark.attack(46)
async def test_what_a_server_asks_for_itself_is_refused(server: McpTestServer) -> None:
    async with sessions() as open_sessions:
        session = await opened(open_sessions, server.raw(Fault.ASKS_BACK))
        assert (await session.call("answer", {}, 5)).text == "asked"
        await until(lambda: len(answers_to(server)) == 3)
        session.close()
    assert all("error" in answer for answer in answers_to(server))
    (handshake,) = [
        json.loads(request.body) for request in server.received if b'"initialize"' in request.body
    ]
    assert handshake["params"]["capabilities"] == {}


def answers_to(server: McpTestServer) -> list[dict[str, Any]]:
    """What the server's own questions were answered."""
    bodies = [json.loads(request.body) for request in server.received if request.body]
    return [body for body in bodies if "method" not in body]


@pytest.mark.requirement("mcp.addresses")
@pytest.mark.attack(41)
async def test_the_address_of_a_registered_server_is_judged_at_each_connection(
    server: McpTestServer,
) -> None:
    async with sessions() as open_sessions:
        with pytest.raises(McpFailed, match="not an address of the public internet"):
            await opened(open_sessions, server.url, source=ServerSource.API)
    assert server.received == []
    allowed = OutboundSettings(allowed_private=("127.0.0.1",))
    async with sessions(outbound=allowed) as open_sessions:
        session = await opened(open_sessions, server.url, source=ServerSource.API)
        assert await session.list_tools()
        session.close()


@pytest.mark.parametrize("moment", ["open", "list", "call"])
async def test_nothing_is_left_of_a_request_that_is_cancelled(
    server: McpTestServer, moment: str
) -> None:
    fault = {"open": Fault.HANG_AT_START, "list": Fault.HANG_AT_LIST, "call": Fault.HANG_AT_CALL}

    async def ask(open_sessions: SdkSessions) -> None:
        session = await opened(open_sessions, server.raw(fault[moment]))
        try:
            await session.list_tools()
            await session.call("answer", {}, 60)
        finally:
            session.close()

    async with sessions(McpLimits(close=1.0)) as open_sessions:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(ask(open_sessions))
            hanging = {"open": "initialize", "list": "tools/list", "call": "tools/call"}[moment]
            await until(lambda: hanging in server.calls())
            task.cancel()
        await until(lambda: not session_tasks())
    await until(lambda: server.open_requests == 0)
    await until(lambda: connections_to(server.port) == 0)


async def test_a_session_whose_server_goes_away_ends_its_calls() -> None:
    async with sessions(McpLimits(close=1.0)) as open_sessions, asyncio.TaskGroup() as group:
        with mcp_server() as passing:
            session = await opened(open_sessions, passing.raw(Fault.HANG_AT_CALL))
            call = group.create_task(asyncio.wait_for(failed_call(session), BOUND_SECONDS))
            await until(lambda: "tools/call" in passing.calls())
            await asyncio.to_thread(passing.stop)
        assert isinstance(await call, McpFailed)
        with pytest.raises(McpFailed, match="it cannot be connected to"):
            await opened(open_sessions, passing.url)


async def failed_call(session: Session) -> McpFailed:
    with pytest.raises(McpFailed) as failed:
        await session.call("answer", {}, 60)
    return failed.value
