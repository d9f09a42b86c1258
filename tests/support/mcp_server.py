"""MCP servers on real sockets, in a thread of their own: a well-behaved one on the SDK, and others.

`/mcp` and `/sse` are the SDK's `FastMCP`. `/raw/FAULT/mcp` speaks the protocol by hand and breaks
it as the name says; the table of faults is `Fault`. Everything that arrives is remembered.
"""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import uvicorn
from mcp.server.fastmcp import Context, FastMCP, Image
from mcp.types import EmbeddedResource, TextContent, TextResourceContents
from pydantic import AnyUrl
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.service import free_port

MEGABYTE = 1_048_576
CHALLENGE = 'Bearer resource_metadata="https://auth.example.com/.well-known"'


class Fault(StrEnum):
    """What a raw server does instead of answering."""

    NONE = "none"
    HANG_AT_START = "hang_at_start"
    HANG_AT_LIST = "hang_at_list"
    HANG_AT_CALL = "hang_at_call"
    HUGE_LIST = "huge_list"
    HUGE_RESULT = "huge_result"
    ENDLESS_STREAM = "endless_stream"
    INVALID_JSON = "invalid_json"
    WRONG_LIST = "wrong_list"
    WRONG_RESULT = "wrong_result"
    RENAMED_TOOL = "renamed_tool"
    CYCLE_OF_CURSORS = "cycle_of_cursors"
    UNAUTHORIZED = "unauthorized"
    REDIRECT = "redirect"
    COMPRESSED = "compressed"
    STATUS = "status"
    ASKS_BACK = "asks_back"


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class McpTestServer:
    """Where it listens, what it was sent, and how many requests are open.

    With a `token`, requests without it are 401.
    """

    port: int
    received: list[Received] = field(default_factory=list[Received])
    open_requests: int = 0
    challenge: str | None = CHALLENGE
    location: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    token: str | None = None
    stop: Callable[[], None] = lambda: None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Streamable HTTP."""
        return f"{self.origin}/mcp"

    @property
    def sse_url(self) -> str:
        return f"{self.origin}/sse"

    def raw(self, fault: Fault) -> str:
        return f"{self.origin}/raw/{fault}/mcp"

    def calls(self) -> list[str]:
        """The methods of the protocol that were asked, in order."""
        bodies = (json.loads(request.body) for request in self.received if request.body)
        return [body["method"] for body in bodies if "method" in body]

    def everything(self) -> str:
        """All that arrived, as text."""
        return "\n".join(
            f"{request.path} {request.headers} {request.body.decode()}" for request in self.received
        )


@contextmanager
def mcp_server(name: str = "fake") -> Generator[McpTestServer]:
    """Serve until the block ends."""
    known = McpTestServer(free_port())
    known.tools = [raw_tool("answer")]
    server = uvicorn.Server(
        uvicorn.Config(
            _application(_well_behaved(name), known),
            port=known.port,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run)

    def stop() -> None:
        server.should_exit = True
        thread.join()

    known.stop = stop
    thread.start()
    try:
        while not server.started and thread.is_alive():
            threading.Event().wait(0.01)
        yield known
    finally:
        stop()


def raw_tool(name: str, description: str = "Says what is wanted.") -> dict[str, Any]:
    """A tool as the protocol describes it."""
    return {"name": name, "description": description, "inputSchema": {"type": "object"}}


def _well_behaved(name: str) -> FastMCP:
    server = FastMCP(name)

    @server.tool()
    def add(a: int, b: int = 1) -> str:
        """Add two numbers."""
        return str(a + b)

    @server.tool()
    def headers(context: Context[Any, Any, Any]) -> str:
        """Tell the headers of the request."""
        request = context.request_context.request
        return json.dumps(dict(request.headers) if request else {})

    @server.tool()
    async def wait(seconds: float) -> str:
        """Answer late."""
        await asyncio.sleep(seconds)
        return "late"

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("the disk is full")

    @server.tool(structured_output=False)
    def parts() -> list[Any]:
        """Answer in parts."""
        secret = TextResourceContents(uri=AnyUrl("file:///notes.txt"), text="a note")
        return [
            TextContent(type="text", text="one"),
            TextContent(type="text", text="two"),
            Image(data=b"png", format="png"),
            EmbeddedResource(type="resource", resource=secret),
        ]

    @server.tool()
    def long(characters: int) -> str:
        """Answer at length."""
        return "x" * characters

    @server.tool()
    def say(text: str) -> str:
        """Repeat a text."""
        return text

    @server.tool()
    async def change(context: Context[Any, Any, Any]) -> str:
        """Say that the tools are others now."""
        await context.session.send_tool_list_changed()
        return "changed"

    return server


def _application(well_behaved: FastMCP, known: McpTestServer) -> ASGIApp:
    http, events = well_behaved.streamable_http_app(), well_behaved.sse_app()

    @asynccontextmanager
    async def running() -> AsyncGenerator[None]:
        async with well_behaved.session_manager.run():
            yield

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(running, receive, send)
            return
        path: str = scope["path"]
        body, again = await _read(scope, receive)
        headers = {key.decode(): value.decode("latin-1") for key, value in scope["headers"]}
        known.received.append(Received(scope["method"], path, headers, body))
        known.open_requests += 1
        try:
            if known.token and headers.get("authorization") != f"Bearer {known.token}":
                await _RawAnswer(known, Fault.UNAUTHORIZED, receive, send).answer("POST", b"{}")
            elif path.startswith("/raw/"):
                fault = Fault(path.split("/")[2])
                await _RawAnswer(known, fault, receive, send).answer(scope["method"], body)
            elif path == "/mcp":
                await http(scope, again, send)
            else:
                await events(scope, again, send)
        finally:
            known.open_requests -= 1

    return serve


async def _lifespan(running: Any, receive: Receive, send: Send) -> None:
    await receive()
    async with running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _read(scope: Scope, receive: Receive) -> tuple[bytes, Receive]:
    """Read the body, and return a way to read it again."""
    if scope["method"] != "POST":
        return b"", receive
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return body, again


class _RawAnswer:
    """One answer of a server that speaks the protocol by hand."""

    def __init__(self, known: McpTestServer, fault: Fault, receive: Receive, send: Send) -> None:
        self._known = known
        self._fault = fault
        self._receive = receive
        self._send = send

    async def answer(self, method: str, body: bytes) -> None:
        if method != "POST":
            await self._status(405)
            return
        asked: dict[str, Any] = json.loads(body)
        if not await self._broke(asked):
            await self._behaved(asked)

    async def _behaved(self, asked: dict[str, Any]) -> None:
        match asked.get("method"):
            case "initialize":
                await self._result(asked, _handshake(asked))
            case "tools/list":
                await self._result(asked, {"tools": self._known.tools})
            case "tools/call":
                text = {"type": "text", "text": f"raw: {json.dumps(asked['params'])}"}
                await self._result(asked, {"content": [text]})
            case _:
                await self._status(202)

    async def _broke(self, asked: dict[str, Any]) -> bool:
        """Do what the fault is, where this is its place."""
        place, answer = self._faults(asked)[self._fault]
        if place not in {None, asked.get("method")}:
            return False
        await answer()
        return True

    def _faults(
        self, asked: dict[str, Any]
    ) -> dict[Fault, tuple[str | None, Callable[[], Awaitable[None]]]]:
        """Return by fault the method that it breaks, None for each, and what is done then."""
        challenge = {"www-authenticate": self._known.challenge} if self._known.challenge else {}
        huge = partial(self._stream, b'{"x": "', b"x" * MEGABYTE, count=100)
        note = b'data: {"jsonrpc": "2.0", "method": "notifications/x"}\n\n'
        endless = partial(self._stream, b"", note, count=None, kind="text/event-stream")
        cycle = {"tools": self._known.tools, "nextCursor": "again"}
        renamed = {
            "jsonrpc": "2.0",
            "id": asked.get("id"),
            "error": {"code": -32602, "message": "Unknown tool: answer"},
        }
        location = {"location": self._known.location}
        return {
            Fault.NONE: ("nothing", self._gone),
            Fault.HANG_AT_START: ("initialize", self._gone),
            Fault.HANG_AT_LIST: ("tools/list", self._gone),
            Fault.HANG_AT_CALL: ("tools/call", self._gone),
            Fault.HUGE_LIST: ("tools/list", huge),
            Fault.HUGE_RESULT: ("tools/call", huge),
            Fault.ENDLESS_STREAM: ("tools/call", endless),
            Fault.INVALID_JSON: ("tools/call", partial(self._whole, b'{"jsonrpc": "2.0", "id"')),
            Fault.WRONG_LIST: ("tools/list", partial(self._result, asked, {"tools": [{"a": 1}]})),
            Fault.WRONG_RESULT: ("tools/call", partial(self._result, asked, {"content": {"a": 5}})),
            Fault.RENAMED_TOOL: ("tools/call", partial(self._json, renamed)),
            Fault.CYCLE_OF_CURSORS: ("tools/list", partial(self._result, asked, cycle)),
            Fault.UNAUTHORIZED: (None, partial(self._status, 401, challenge)),
            Fault.REDIRECT: (None, partial(self._status, 307, location)),
            Fault.COMPRESSED: (None, partial(self._whole, b"x", {"content-encoding": "gzip"})),
            Fault.STATUS: (None, partial(self._status, 500)),
            Fault.ASKS_BACK: ("tools/call", partial(self._ask_back, asked)),
        }

    async def _ask_back(self, asked: dict[str, Any]) -> None:
        """Ask for a sample, roots and an elicitation before the answer."""
        questions: dict[str, dict[str, Any]] = {
            "sampling/createMessage": {
                "messages": [{"role": "user", "content": {"type": "text", "text": "secret?"}}],
                "maxTokens": 5,
            },
            "roots/list": {},
            "elicitation/create": {"message": "Your password?", "requestedSchema": {}},
        }
        events: list[dict[str, Any]] = [
            {"jsonrpc": "2.0", "id": f"q{number}", "method": method, "params": params}
            for number, (method, params) in enumerate(questions.items())
        ]
        result = {"content": [{"type": "text", "text": "asked"}]}
        last = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
        written = "".join(f"data: {json.dumps(event)}\n\n" for event in [*events, last])
        await self._whole(written.encode(), {"content-type": "text/event-stream"})

    async def _result(self, asked: dict[str, Any], result: dict[str, Any]) -> None:
        await self._json({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    async def _json(self, content: dict[str, Any]) -> None:
        await self._whole(json.dumps(content).encode())

    async def _whole(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        await self._begin(200, {"content-type": "application/json"} | (headers or {}))
        await self._send({"type": "http.response.body", "body": body})

    async def _status(self, status: int, headers: dict[str, str] | None = None) -> None:
        await self._begin(status, headers or {})
        await self._send({"type": "http.response.body", "body": b""})

    async def _stream(
        self, first: bytes, part: bytes, *, count: int | None, kind: str = "application/json"
    ) -> None:
        """Send until the client goes away."""
        await self._begin(200, {"content-type": kind})
        body, number = first, 0
        async with asyncio.TaskGroup() as group:
            gone = group.create_task(self._gone())
            while not gone.done() and (count is None or number < count):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
                await asyncio.sleep(0)
                body, number = part, number + 1
            gone.cancel()
        await self._send({"type": "http.response.body", "body": b""})

    async def _begin(self, status: int, headers: dict[str, str]) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _gone(self) -> None:
        """Wait until the client gives up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _handshake(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": asked["params"]["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "raw", "version": "1"},
    }
