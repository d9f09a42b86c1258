"""What services need of MCP where a test calls no server."""

from collections.abc import Callable, Mapping, Sequence

from lightspeed_core.api.state import Mcp
from lightspeed_core.assistant.mcp_tools import McpToolSource
from lightspeed_core.http.judging import AddressJudge
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.mcp.cache import ToolCache
from lightspeed_core.mcp.connection import McpClient
from lightspeed_core.mcp.limits import McpLimits
from lightspeed_core.mcp.memory import MemoryMcpServers
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.session import OpenSession, Session
from lightspeed_core.observability.metrics import Metrics


async def no_session(
    server: ToolServer, headers: Mapping[str, str], on_changed: Callable[[], None]
) -> Session:
    raise AssertionError(f"{server.name} was called with {len(headers)} headers: {on_changed}")


def mcp_of_memory(
    *configured: ToolServer,
    open_session: OpenSession = no_session,
    allowed: Sequence[str] = (),
    forwards_token: bool = False,
) -> Mcp:
    """Return servers that are kept in memory, over sessions of the test's choice."""
    limits = McpLimits()
    servers = McpServers(
        configured,
        MemoryMcpServers(),
        AddressJudge(OutboundSettings(allowed_private=tuple(allowed))),
        forwards_token=forwards_token,
    )
    client = McpClient(
        open_session=open_session,
        cache=ToolCache(limits),
        limits=limits,
        metrics=Metrics().mcp,
    )
    return Mcp(servers=servers, tools=McpToolSource(servers, client))
