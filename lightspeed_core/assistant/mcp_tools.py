"""The tools of MCP servers in a turn: what is offered, and how a call comes back.

It knows no transport and no route. What a server fails to do costs its own tools.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.toolbox import EmptyToolbox, Toolbox, ToolOutput, unknown_tool
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.errors import ToolAuthRequired
from lightspeed_core.mcp.connection import McpClient, ServerConnection
from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.headers import CallerHeaders, resolve_headers, unknown_servers
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.tools import OfferedTool, ServerTool, offer

logger = logging.getLogger(__name__)

MCP_CALL = "mcp_call"


@dataclass(frozen=True, slots=True)
class ListedTools:
    """The tools of all servers that answered, their connections, and what is missing."""

    offered: tuple[OfferedTool, ...] = ()
    connections: tuple[ServerConnection, ...] = ()
    warnings: tuple[TurnWarning, ...] = ()

    def close(self) -> None:
        """Let go of every connection."""
        for connection in self.connections:
            connection.close()


class McpToolSource:
    """Implements `ToolSource` over the servers that are known.

    Where nobody can be asked for an approval, tools that need one are not offered.
    """

    def __init__(self, servers: McpServers, client: McpClient) -> None:
        self._servers = servers
        self._client = client

    async def open(self, context: TurnContext) -> Toolbox:
        """Open the tools of a turn; raises `ToolAuthRequired` where a server answers 401."""
        request = context.request
        caller = CallerHeaders(
            user_id=context.caller.user_id,
            token=context.caller.token,
            client=request.mcp_headers,
            request=request.headers,
        )
        listed = await self.list(caller)
        if not listed.connections and not listed.warnings:
            return EmptyToolbox()
        return _McpToolbox(listed if context.may_wait else _without_approval(listed))

    async def list(self, caller: CallerHeaders) -> ListedTools:
        """Ask all servers at the same time; whoever asks closes what is returned.

        Raises `ToolAuthRequired` where a server answers 401.
        """
        servers = await self._servers.known()
        warnings = [_unknown(name) for name in unknown_servers(servers, caller)]
        connections: list[ServerConnection] = []
        for server in servers.values():
            headers = resolve_headers(server, caller)
            warnings += (_unsendable(server, name) for name in headers.refused)
            if headers.missing:
                warnings.append(_missing(server, headers.missing))
            else:
                connections.append(self._client.connection(server, headers))
        try:
            lists = await together(_ask(connection) for connection in connections)
        except BaseException:
            for connection in connections:
                connection.close()
            raise
        answered = [
            (connection.server, tools)
            for connection, tools in zip(connections, lists, strict=True)
            if not isinstance(tools, TurnWarning)
        ]
        warnings += (tools for tools in lists if isinstance(tools, TurnWarning))
        for warning in warnings:
            logger.warning("tools are missing server=%s code=%s", warning.server, warning.code)
        return ListedTools(tuple(offer(answered)), tuple(connections), tuple(warnings))


class _McpToolbox:
    """Implements `Toolbox`."""

    def __init__(self, listed: ListedTools) -> None:
        self._listed = listed
        self._tools = {offered.name: offered for offered in listed.offered}
        self._connections = {
            connection.server.name: connection for connection in listed.connections
        }
        self._told: set[str] = set()

    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(_spec(offered) for offered in self._listed.offered)

    def warnings(self) -> tuple[TurnWarning, ...]:
        return self._listed.warnings

    async def call(self, call: ToolCall) -> ToolOutput:
        offered = self._tools.get(call.name)
        if offered is None:
            return unknown_tool(call)
        try:
            connection = self._connections[offered.server.name]
            result = await connection.call(offered.tool.name, call.arguments)
        except McpFailed as failure:
            return self._failed(offered, failure)
        return ToolOutput(content=result.text, status="failure" if result.is_error else "success")

    async def aclose(self) -> None:
        self._listed.close()

    def _failed(self, offered: OfferedTool, failure: McpFailed) -> ToolOutput:
        """Tell the model that the tool is of no use, and the client once for each server."""
        server = offered.server
        warnings = () if server.name in self._told else (_unavailable(server, failure),)
        self._told.add(server.name)
        return ToolOutput(
            content=f"The tool gave no answer: {failure.reason}.",
            status="failure",
            warnings=warnings,
        )


def _without_approval(listed: ListedTools) -> ListedTools:
    """Leave out the tools that a person would have to allow."""
    needing = [each for each in listed.offered if each.server.needs_approval(each.tool.name)]
    return replace(
        listed,
        offered=tuple(each for each in listed.offered if each not in needing),
        warnings=(*listed.warnings, *(_needs_approval(each) for each in needing)),
    )


async def _ask(connection: ServerConnection) -> Sequence[ServerTool] | TurnWarning:
    try:
        return await connection.tools()
    except McpUnauthorized as failure:
        raise ToolAuthRequired(connection.server.place, failure.challenge) from failure
    except McpFailed as failure:
        return _unavailable(connection.server, failure)


def _spec(offered: OfferedTool) -> ToolSpec:
    return ToolSpec(
        name=offered.name,
        description=offered.tool.description,
        parameters=offered.tool.parameters,
        type=MCP_CALL,
        server=offered.server.name,
        needs_approval=offered.server.needs_approval(offered.tool.name),
    )


def _unavailable(server: ToolServer, failure: McpFailed) -> TurnWarning:
    return TurnWarning(
        code="mcp_server_unavailable",
        message=f"MCP server {server.name} is of no use now: {failure.reason}.",
        server=server.name,
    )


def _missing(server: ToolServer, names: Sequence[str]) -> TurnWarning:
    return TurnWarning(
        code="mcp_headers_missing",
        message=f"MCP server {server.name} was left out: nobody gave {', '.join(names)}.",
        server=server.name,
    )


def _needs_approval(offered: OfferedTool) -> TurnWarning:
    return TurnWarning(
        code="tool_needs_approval",
        message=f"Tool {offered.name} was left out: nobody can be asked for the approval it needs.",
        server=offered.server.name,
    )


def _unsendable(server: ToolServer, name: str) -> TurnWarning:
    return TurnWarning(
        code="mcp_header_ignored",
        message=f"Header {name[:100]!r} for MCP server {server.name} cannot be sent.",
        server=server.name,
    )


def _unknown(name: str) -> TurnWarning:
    return TurnWarning(
        code="mcp_header_ignored",
        message=f"MCP-HEADERS names {name[:100]!r}, which is no server.",
    )
