"""A server as one request reaches it: its tools, and a session once one is needed."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightspeed_core.mcp.cache import Key, ToolCache
from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.headers import ServerHeaders
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.session import CallResult, OpenSession, Session
from lightspeed_core.mcp.tools import ServerTool, ToolList, is_usable
from lightspeed_core.observability.mcp_metrics import McpMetrics

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """What the connections of all requests share; no session is among it."""

    open_session: OpenSession
    cache: ToolCache
    limits: McpLimits
    metrics: McpMetrics

    def connection(self, server: ToolServer, headers: ServerHeaders) -> "ServerConnection":
        """Return a server as one request reaches it; whoever asks closes it."""
        return ServerConnection(self, server, headers)


class ServerConnection:
    """One server, for one request of one user."""

    def __init__(self, client: McpClient, server: ToolServer, headers: ServerHeaders) -> None:
        self.server = server
        self._client = client
        self._headers = headers
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False
        self._key: Key = (server.name, server.url, headers.digest)

    async def tools(self) -> ToolList:
        """Return the tools, those of the cache while they are fresh.

        Raises `McpFailed`, and `McpUnauthorized` for a 401, which is asked again the next time.
        """
        cached = self._client.cache.find(self._key)
        if cached is not None:
            return cached
        try:
            listed = await (await self._opened()).list_tools()
        except McpUnauthorized:
            raise
        except McpFailed as failure:
            logger.warning("server of tools failed server=%s: %s", self.server.name, failure.reason)
            self._client.metrics.unavailable(self.server.name)
            self._client.cache.fail(self._key, failure)
            raise
        tools = self._usable(listed)
        if self._client.cache.keep(self._key, tools):
            logger.info("tools changed server=%s count=%d", self.server.name, len(tools.tools))
        return tools

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """Call a tool; raises `McpFailed`."""
        began, outcome = time.perf_counter(), "failure"
        try:
            session = await self._opened()
            seconds = self.server.timeout or self._client.limits.call
            result = await session.call(tool, arguments, seconds)
            outcome = "failure" if result.is_error else "success"
        except McpFailed:
            self._client.cache.drop(self._key)
            raise
        finally:
            seconds = time.perf_counter() - began
            self._client.metrics.called(
                server=self.server.name, tool=tool, result=outcome, seconds=seconds
            )
            logger.info(
                "tool called server=%s tool=%s result=%s seconds=%.3f",
                self.server.name,
                tool,
                outcome,
                seconds,
            )
        if result.is_error:
            # It may be a tool that has another name by now.
            self._client.cache.drop(self._key)
        return result

    def close(self) -> None:
        """Let go of the session; harmless when repeated."""
        self._is_closed = True
        if self._session is not None:
            self._session.close()

    async def _opened(self) -> Session:
        async with self._opening:
            if self._session is None or self._session.has_ended:
                if self._is_closed:
                    raise McpFailed("the request is over")
                self._session = await self._client.open_session(
                    self.server,
                    self._headers.values,
                    lambda: self._client.cache.drop(self._key),
                )
                if self._is_closed:
                    self._session.close()
            return self._session

    def _usable(self, listed: tuple[ServerTool, ...]) -> ToolList:
        limits = self._client.limits
        unique = {tool.name: tool for tool in reversed(listed)}
        usable = [tool for tool in listed if unique[tool.name] is tool]
        usable = [tool for tool in usable if is_usable(tool, limits.tool_bytes)][: limits.tools]
        if len(usable) < len(listed):
            logger.warning(
                "tools were left out server=%s listed=%d usable=%d",
                self.server.name,
                len(listed),
                len(usable),
            )
        return ToolList(tuple(usable), len(listed) - len(usable))
