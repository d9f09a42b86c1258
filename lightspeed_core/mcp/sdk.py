"""Sessions by the SDK, over transports of ours. Importing it imports the SDK.

The SDK's scopes have to be left by the task that entered them. So each session lives in a task
of its own, and whoever opens, calls or closes it may be any other.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

import httpx
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import ClientSession, McpError, StdioServerParameters, stdio_client, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.shared.session import RequestResponder

from lightspeed_core.constants import DISTRIBUTION
from lightspeed_core.http.failures import OutboundError
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.transport import Transports
from lightspeed_core.mcp.bounded import BoundedTransport, OnFailure
from lightspeed_core.mcp.content import read_result
from lightspeed_core.mcp.failures import McpFailed
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.servers import ToolServer, Transport
from lightspeed_core.mcp.session import CallResult, Session
from lightspeed_core.mcp.tools import ServerTool

logger = logging.getLogger(__name__)

_LONGEST_REASON: Final = 300
# MCP, "Backwards compatibility": what a server of the older transport answers to a POST.
_OLDER: Final = frozenset({400, 404, 405})

type _Streams = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]
type _Incoming = (
    RequestResponder[types.ServerRequest, types.ClientResult] | types.ServerNotification | Exception
)


class SdkSessions:
    """Opens sessions whose tasks live in `group`; raises `ConfigurationError` for bad TLS files."""

    def __init__(
        self, outbound: OutboundSettings, limits: McpLimits, group: asyncio.TaskGroup
    ) -> None:
        self._transports = Transports(outbound)
        self._limits = limits
        self._group = group
        # They write whole messages, and the ids of sessions.
        for name in ("mcp", "client", "httpx_sse"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    async def open(
        self, server: ToolServer, headers: Mapping[str, str], on_changed: Callable[[], None]
    ) -> Session:
        """Do what `OpenSession` promises."""
        first, *others = _ways(server)
        for way in others:
            try:
                return await self._open(server, first, headers, on_changed)
            except McpFailed as failure:
                if failure.status not in _OLDER:
                    raise
                first = way
        return await self._open(server, first, headers, on_changed)

    async def _open(
        self,
        server: ToolServer,
        way: Transport,
        headers: Mapping[str, str],
        on_changed: Callable[[], None],
    ) -> Session:
        session = _SdkSession(server.name, self._limits, on_changed)
        streams = self._streams(server, way, headers, session.fail)
        session.start(self._group, streams)
        try:
            await session.wait_until_open()
        except BaseException:
            session.close()
            raise
        return session

    def _streams(
        self,
        server: ToolServer,
        way: Transport,
        headers: Mapping[str, str],
        on_failure: OnFailure,
    ) -> AbstractAsyncContextManager[_Streams]:
        if way is Transport.STDIO:
            return _command_streams(server)

        def client(*_: object, **__: object) -> httpx.AsyncClient:
            return self._client(server, headers, on_failure)

        if way is Transport.SSE:
            return sse_client(server.url, httpx_client_factory=client)
        return _http_streams(server.url, client)

    def _client(
        self, server: ToolServer, headers: Mapping[str, str], on_failure: OnFailure
    ) -> httpx.AsyncClient:
        inner = (
            self._transports.trusted(server.url)
            if server.is_trusted
            else self._transports.guarded()
        )
        return httpx.AsyncClient(
            transport=BoundedTransport(inner, self._limits, on_failure),
            headers={
                "accept-encoding": "identity",
                "user-agent": f"{DISTRIBUTION}/{version(DISTRIBUTION)}",
                **headers,
            },
            timeout=httpx.Timeout(self._limits.connect, read=None),
            follow_redirects=False,
            trust_env=False,
        )


def _ways(server: ToolServer) -> tuple[Transport, ...]:
    if server.transport is not Transport.AUTO:
        return (server.transport,)
    return (Transport.STREAMABLE_HTTP, Transport.SSE)


@asynccontextmanager
async def _http_streams(
    url: str, client: Callable[[], httpx.AsyncClient]
) -> AsyncGenerator[_Streams]:
    async with (
        client() as opened,
        streamable_http_client(url, http_client=opened) as (reading, writing, _),
    ):
        yield reading, writing


@asynccontextmanager
async def _command_streams(server: ToolServer) -> AsyncGenerator[_Streams]:
    if server.command is None:
        raise McpFailed("it is no command")
    parameters = StdioServerParameters(
        command=server.command.program,
        args=list(server.command.arguments),
        env=dict(server.command.environment),
    )
    nowhere = await asyncio.to_thread(Path(os.devnull).open, "w", encoding="utf-8")
    with nowhere:
        async with stdio_client(parameters, errlog=nowhere) as streams:
            yield streams


class _SdkSession:
    """Implements `Session`."""

    def __init__(self, name: str, limits: McpLimits, on_changed: Callable[[], None]) -> None:
        self._name = name
        self._limits = limits
        self._on_changed = on_changed
        self._client: ClientSession | None = None
        self._opened = asyncio.Event()
        self._closing = asyncio.Event()
        self._failure: McpFailed | None = None
        self._has_ended = False
        self._task: asyncio.Task[None] | None = None
        self._waits: set[asyncio.Timeout] = set()

    @property
    def has_ended(self) -> bool:
        return self._has_ended

    def start(
        self, group: asyncio.TaskGroup, streams: AbstractAsyncContextManager[_Streams]
    ) -> None:
        """Begin the task that holds the session."""
        self._task = group.create_task(self._run(streams), name=f"mcp {self._name}")

    async def wait_until_open(self) -> None:
        """Wait for the handshake; raises `McpFailed`."""
        async with self._within(self._limits.connect):
            await self._opened.wait()

    async def list_tools(self) -> tuple[ServerTool, ...]:
        """Read all pages; raises `McpFailed`."""
        async with self._within(self._limits.list):
            return await self._read_pages()

    async def call(self, tool: str, arguments: Mapping[str, Any], seconds: float) -> CallResult:
        request = types.CallToolRequest(
            params=types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        )
        async with self._within(seconds):
            # `call_tool` would check the result against a schema of the server's, however long
            # its patterns take.
            try:
                result = await self._asked().send_request(
                    types.ClientRequest(request), types.CallToolResult
                )
            except McpError as error:
                return CallResult(text=error.error.message[:_LONGEST_REASON], is_error=True)
        return read_result(result, self._limits.result_chars)

    def close(self) -> None:
        self._closing.set()
        if self._task is not None and not self._opened.is_set():
            self._task.cancel()

    def fail(self, failure: McpFailed) -> None:
        """Note why nothing more will come, and tell all who wait."""
        self._failure = self._failure or failure
        self._end()
        self.close()

    async def _run(self, streams: AbstractAsyncContextManager[_Streams]) -> None:
        try:
            async with asyncio.timeout(None) as limit, self._session(streams):
                self._opened.set()
                await self._closing.wait()
                limit.reschedule(asyncio.get_running_loop().time() + self._limits.close)
        except Exception as exc:
            # Whatever the SDK or a server does ends in its own session.
            logger.debug("session broke server=%s", self._name, exc_info=True)
            self._failure = self._failure or failure_of(exc)
        finally:
            self._end()

    @asynccontextmanager
    async def _session(
        self, streams: AbstractAsyncContextManager[_Streams]
    ) -> AsyncGenerator[ClientSession]:
        info = types.Implementation(name=DISTRIBUTION, version=version(DISTRIBUTION))
        async with (
            streams as (reading, writing),
            ClientSession(reading, writing, message_handler=self._hear, client_info=info) as client,
        ):
            await client.initialize()
            self._client = client
            yield client

    async def _hear(self, message: _Incoming) -> None:
        """Take what no request waits for. What a server asks of us, the SDK refuses."""
        if isinstance(message, types.ServerNotification):
            if isinstance(message.root, types.ToolListChangedNotification):
                self._on_changed()
        elif isinstance(message, Exception) and not isinstance(message, RuntimeError):
            # A RuntimeError is an answer that came too late for whoever waited for it.
            self.fail(failure_of(message))

    async def _read_pages(self) -> tuple[ServerTool, ...]:
        tools: list[ServerTool] = []
        cursor: str | None = None
        for _ in range(self._limits.pages):
            page = await self._page(cursor)
            tools += [_tool(tool) for tool in page.tools]
            if page.nextCursor is None or len(tools) > self._limits.tools:
                return tuple(tools)
            cursor = page.nextCursor
        raise McpFailed(f"its list of tools has more than {self._limits.pages} pages")

    async def _page(self, cursor: str | None) -> types.ListToolsResult:
        params = types.PaginatedRequestParams(cursor=cursor) if cursor is not None else None
        try:
            return await self._asked().list_tools(params=params)
        except McpError as error:
            told = error.error.message[:_LONGEST_REASON]
            raise McpFailed(f"it did not list its tools: {told}") from error

    def _asked(self) -> ClientSession:
        if self._client is None:
            raise McpFailed("the session is not open")
        return self._client

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncGenerator[None]:
        """Bound a wait, and end it when the session does; raises `McpFailed`."""
        if self._has_ended:
            raise self._failure or McpFailed("the session has ended")
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                self._waits.add(limit)
                yield
        except TimeoutError as exc:
            raise self._failure or McpFailed(f"it did not answer within {seconds:g} s") from exc
        except McpFailed:
            raise
        except Exception as exc:
            raise self._failure or failure_of(exc) from exc
        finally:
            self._waits.discard(limit)

    def _end(self) -> None:
        self._has_ended = True
        for limit in self._waits:
            if not limit.expired():
                limit.reschedule(0)


def failure_of(error: BaseException) -> McpFailed:
    """Say in few words what ended a session; what a server wrote is not repeated."""
    while isinstance(error, BaseExceptionGroup):
        causes = cast("BaseExceptionGroup[BaseException]", error).exceptions
        error = causes[0]
    if isinstance(error, McpFailed):
        return error
    return McpFailed(_reason(error))


def _reason(error: BaseException) -> str:
    match error:
        case OutboundError():
            reason = str(error)
        case McpError():
            reason = f"it refused: {error.error.message[:_LONGEST_REASON]}"
        case ValueError():
            reason = "it sent what is not of the protocol"
        case httpx.ConnectError():
            reason = "it cannot be connected to"
        case OSError():
            reason = f"it did not start: {error.strerror or type(error).__name__}"
        case _:
            reason = f"the session broke: {type(error).__name__}"
    return reason


def _tool(tool: types.Tool) -> ServerTool:
    return ServerTool(
        name=tool.name, description=tool.description or "", parameters=tool.inputSchema
    )
