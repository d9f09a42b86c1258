"""The tools of MCP servers in a turn: what is offered, and how a call comes back.

It knows no transport and no route. What a server fails to do costs its own tools.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lightspeed_core.assistant.context import TurnContext
from lightspeed_core.assistant.together import together
from lightspeed_core.assistant.toolbox import (
    HEADERS_MISSING,
    UNAUTHORIZED,
    EmptyToolbox,
    Toolbox,
    ToolOutput,
    unknown_tool,
)
from lightspeed_core.domain.tools import ToolCall, ToolSpec
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.errors import ToolAuthRequired
from lightspeed_core.mcp.connection import McpClient, ServerConnection
from lightspeed_core.mcp.failures import McpFailed, McpUnauthorized
from lightspeed_core.mcp.headers import CallerHeaders, resolve_headers, unknown_servers
from lightspeed_core.mcp.registry import McpServers
from lightspeed_core.mcp.servers import ToolServer
from lightspeed_core.mcp.tools import OfferedTool, ToolList, offer

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

    Where nobody can be asked for an approval, tools that need one are not offered. Of all tools
    the first `McpLimits.offered` are, in the order of the servers.
    """

    def __init__(self, servers: McpServers, client: McpClient) -> None:
        self._servers = servers
        self._client = client

    async def open(self, context: TurnContext) -> Toolbox:
        """Open the tools of a turn; raises `ToolAuthRequired` where a server answers 401.

        For a turn that goes on that costs the tools of the server alone.
        """
        if not context.calls_tools:
            return await self._without_tools(context)
        request = context.request
        caller = CallerHeaders(
            user_id=context.caller.user_id,
            token=context.caller.token,
            client=request.mcp_headers,
            request=request.headers,
        )
        listed = await self.list(caller, refuses=context.continuation is None)
        if not listed.connections and not listed.warnings:
            return EmptyToolbox()
        return _McpToolbox(listed if context.may_wait else _without_approval(listed))

    async def _without_tools(self, context: TurnContext) -> Toolbox:
        """Ask no server for the tools of a model that calls none."""
        if not await self._servers.known():
            return EmptyToolbox()
        warning = _calls_no_tools(context.begun.model.identifier)
        return _McpToolbox(ListedTools(warnings=(warning,)))

    async def list(self, caller: CallerHeaders, *, refuses: bool = True) -> ListedTools:
        """Ask all servers at the same time; whoever asks closes what is returned.

        With `refuses`, raises `ToolAuthRequired` where a server answers 401.
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
            lists = await together(_ask(each, refuses=refuses) for each in connections)
        except BaseException:
            for connection in connections:
                connection.close()
            raise
        offered, left_out = _offer(connections, lists, self._client.limits.offered)
        warnings += (listed for listed in lists if isinstance(listed, TurnWarning))
        warnings += left_out
        for warning in warnings:
            logger.warning("tools are missing server=%s code=%s", warning.server, warning.code)
        return ListedTools(offered, tuple(connections), tuple(warnings))


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
        warnings = () if server.name in self._told else (_warning(server, failure),)
        self._told.add(server.name)
        return ToolOutput(
            content=f"The tool gave no answer: {failure.reason}.",
            status="failure",
            warnings=warnings,
            is_locked=isinstance(failure, McpUnauthorized),
        )


def _without_approval(listed: ListedTools) -> ListedTools:
    """Leave out the tools that a person would have to allow."""
    needing = [each for each in listed.offered if each.server.needs_approval(each.tool.name)]
    return replace(
        listed,
        offered=tuple(each for each in listed.offered if each not in needing),
        warnings=(*listed.warnings, *(_needs_approval(each) for each in needing)),
    )


async def _ask(connection: ServerConnection, *, refuses: bool) -> ToolList | TurnWarning:
    try:
        return await connection.tools()
    except McpFailed as failure:
        if refuses and isinstance(failure, McpUnauthorized):
            raise ToolAuthRequired(connection.server.place, failure.challenge) from failure
        return _warning(connection.server, failure)


def _offer(
    connections: Sequence[ServerConnection], lists: Sequence[ToolList | TurnWarning], most: int
) -> tuple[tuple[OfferedTool, ...], list[TurnWarning]]:
    """Name the tools of the servers that answered; return the first, and what of others is cut."""
    answered = [
        (connection.server, listed)
        for connection, listed in zip(connections, lists, strict=True)
        if isinstance(listed, ToolList)
    ]
    offered = offer([(server, listed.tools) for server, listed in answered])
    beyond = Counter(each.server.name for each in offered[most:])
    warnings = [
        _left_out(server, count, most)
        for server, listed in answered
        if (count := beyond[server.name] + listed.left_out)
    ]
    return tuple(offered[:most]), warnings


def _spec(offered: OfferedTool) -> ToolSpec:
    return ToolSpec(
        name=offered.name,
        description=offered.tool.description,
        parameters=offered.tool.parameters,
        type=MCP_CALL,
        server=offered.server.name,
        needs_approval=offered.server.needs_approval(offered.tool.name),
    )


def _warning(server: ToolServer, failure: McpFailed) -> TurnWarning:
    if isinstance(failure, McpUnauthorized):
        challenge = f" It says: {failure.challenge}" if failure.challenge else ""
        return TurnWarning(
            code=UNAUTHORIZED,
            message=f"MCP server {server.name} asks for other credentials.{challenge}",
            server=server.name,
        )
    return TurnWarning(
        code="mcp_server_unavailable",
        message=f"MCP server {server.name} is of no use now: {failure.reason}.",
        server=server.name,
    )


def _missing(server: ToolServer, names: Sequence[str]) -> TurnWarning:
    return TurnWarning(
        code=HEADERS_MISSING,
        message=f"MCP server {server.name} was left out: nobody gave {', '.join(names)}.",
        server=server.name,
    )


def _left_out(server: ToolServer, count: int, most: int) -> TurnWarning:
    return TurnWarning(
        code="mcp_tools_left_out",
        message=f"Of the tools of MCP server {server.name}, {count} were left out: "
        f"they cannot be used, or are beyond the {most} that a model is offered.",
        server=server.name,
    )


def _calls_no_tools(model: str) -> TurnWarning:
    return TurnWarning(
        code="model_without_tools",
        message=f"Model {model} calls no tools, so those of the MCP servers were left out.",
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
