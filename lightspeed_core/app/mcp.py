"""Servers of tools: who is known, how they are called, and when the SDK is loaded."""

import asyncio
from collections.abc import Callable, Mapping

from lightspeed_core.api.state import Mcp
from lightspeed_core.app.settings import outbound_settings
from lightspeed_core.app.stores import is_shared
from lightspeed_core.assistant.mcp_tools import McpToolSource
from lightspeed_core.config.mcp import McpConfiguration
from lightspeed_core.config.mcp_warnings import KEEPS_TOKEN
from lightspeed_core.config.root import Configuration
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.mcp.cache import ToolCache
from lightspeed_core.mcp.configured import configured_servers
from lightspeed_core.mcp.connection import McpClient
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.session import OpenSession, Session
from lightspeed_core.mcp.store import McpServerStore
from lightspeed_core.observability.metrics import Metrics


def mcp_of(
    configuration: Configuration,
    store: McpServerStore,
    metrics: Metrics,
    group: asyncio.TaskGroup,
) -> Mcp:
    """Build what turns and routes ask; sessions live in `group` and end with their requests."""
    limits = limits_of(configuration.mcp)
    outbound = outbound_settings(configuration)
    forwards_token = configuration.authentication.module in KEEPS_TOKEN
    servers = McpServers(
        tuple(
            configured_servers(
                configuration.mcp_servers,
                forwards_token=forwards_token,
                allows_commands=configuration.mcp.allow_stdio,
            )
        ),
        store,
        _LateJudge(outbound),
        forwards_token=forwards_token,
        others=is_shared(configuration),
    )

    def load() -> OpenSession:
        # Only a service that calls a server pays for the SDK.
        from lightspeed_core.mcp.sdk import SdkSessions

        return SdkSessions(outbound, limits, group).open

    client = McpClient(
        open_session=_LateSessions(load),
        cache=ToolCache(limits),
        limits=limits,
        metrics=metrics.mcp,
    )
    tools = McpToolSource(servers, client)
    return Mcp(servers=servers, tools=tools)


def limits_of(settings: McpConfiguration) -> McpLimits:
    """Say how long servers may take, and how much they may send."""
    return McpLimits(
        connect=settings.connect_seconds,
        call=settings.call_seconds,
        cached=settings.tools_cached_seconds,
        result_chars=settings.max_result_chars,
        offered=settings.max_tools,
    )


class _LateJudge:
    """Implements `Judge` by what is loaded with the first registration."""

    def __init__(self, outbound: OutboundSettings) -> None:
        self._outbound = outbound

    async def check(self, url: str) -> None:
        from lightspeed_core.http.judging import AddressJudge

        await AddressJudge(self._outbound).check(url)


class _LateSessions:
    """Implements `OpenSession` by what is loaded with the first session."""

    def __init__(self, load: Callable[[], OpenSession]) -> None:
        self._load = load
        self._loading = asyncio.Lock()
        self._open: OpenSession | None = None

    async def __call__(
        self, server: ToolServer, headers: Mapping[str, str], on_changed: Callable[[], None]
    ) -> Session:
        async with self._loading:
            if self._open is None:
                self._open = await asyncio.to_thread(self._load)
        return await self._open(server, headers, on_changed)
