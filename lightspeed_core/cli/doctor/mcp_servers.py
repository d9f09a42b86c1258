"""Asks the MCP servers of the configuration for their tools, as a turn does."""

import asyncio
from collections.abc import Sequence

from lightspeed_core.app.background import background_group
from lightspeed_core.app.mcp import limits_of
from lightspeed_core.app.settings import outbound_settings
from lightspeed_core.cli.doctor.finding import Finding, fine, warning
from lightspeed_core.config.root import Configuration
from lightspeed_core.mcp.configured import configured_servers
from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.headers import CallerHeaders, resolve_headers
from lightspeed_core.mcp.sdk import SdkSessions
from lightspeed_core.mcp.servers import ToolServer


async def check_mcp_servers(configuration: Configuration) -> Sequence[Finding]:
    """Ask all servers at the same time; what they need of a caller nobody can give here."""
    servers = configured_servers(
        configuration.mcp_servers,
        forwards_token=True,
        allows_commands=configuration.mcp.allow_stdio,
    )
    async with background_group() as group:
        sessions = SdkSessions(
            outbound_settings(configuration), limits_of(configuration.mcp), group
        )
        return await asyncio.gather(*(_ask(sessions, server) for server in servers))


async def _ask(sessions: SdkSessions, server: ToolServer) -> Finding:
    where = f"mcp_servers, '{server.name}'"
    headers = resolve_headers(server, CallerHeaders(user_id=""))
    if headers.missing:
        told = f"{server.name} was not asked: it needs {', '.join(headers.missing)}"
        return fine(f"{told} of each caller, or of a file", where=where)
    try:
        session = await sessions.open(server, headers.values, _nothing)
        try:
            tools = await session.list_tools()
        finally:
            session.close()
    except McpUnauthorized:
        remedy = (
            "name the file of its credentials in authorization_headers, or let clients send them"
        )
        return warning(f"{server.name} asks for credentials", where=where, remedy=remedy)
    except McpFailed as failure:
        remedy = "start the server, correct its address, or let this machine connect to it"
        return warning(f"{server.name}: {failure.reason}", where=where, remedy=remedy)
    return fine(f"{server.name} answers and lists {len(tools)} tools", where=where)


def _nothing() -> None:
    """Do nothing about tools that change meanwhile."""
