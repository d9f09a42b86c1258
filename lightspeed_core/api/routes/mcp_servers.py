"""`/v1/mcp-servers` and `/v1/mcp-auth/client-options`: servers of tools, for all users."""

from typing import Annotated, Final

from fastapi import APIRouter, Path

from lightspeed_core import errors
from lightspeed_core.api.deps import McpServersDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.mcp_servers import (
    ClientOptionsResponse,
    McpServerDeleted,
    McpServerRegistered,
    McpServerRequest,
    McpServersResponse,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1", tags=["mcp_servers"], route_class=GuardedRoute)

_STORE_ERRORS: Final = (*CALLER_ERRORS, errors.StoreUnavailable)


@router.post(
    "/mcp-servers",
    status_code=201,
    responses=responses(*_STORE_ERRORS, errors.Conflict, errors.InvalidRequest),
)
async def register_mcp_server(
    body: McpServerRequest,
    servers: McpServersDep,
    caller: Annotated[Identity, require(Action.REGISTER_MCP_SERVER)],
) -> McpServerRegistered:
    """Make a server known until it is deleted; its tools are offered to the model at once."""
    server = body.server()
    await servers.register(server, user_id=caller.user_id)
    return McpServerRegistered.of(server)


@router.get(
    "/mcp-servers",
    dependencies=[require(Action.LIST_MCP_SERVERS)],
    responses=responses(*_STORE_ERRORS),
)
async def list_mcp_servers(servers: McpServersDep) -> McpServersResponse:
    """List the servers, those of the configuration first."""
    return McpServersResponse.of(await servers.list())


@router.delete(
    "/mcp-servers/{name}",
    dependencies=[require(Action.DELETE_MCP_SERVER)],
    responses=responses(*_STORE_ERRORS, errors.InvalidRequest),
)
async def delete_mcp_server(
    name: Annotated[str, Path(description="Name of a registered server.", examples=["github"])],
    servers: McpServersDep,
) -> McpServerDeleted:
    """Forget a server that was registered."""
    return McpServerDeleted.of(name, deleted=await servers.delete(name))


@router.get(
    "/mcp-auth/client-options",
    dependencies=[require(Action.GET_TOOLS)],
    responses=responses(*_STORE_ERRORS),
)
async def client_options(servers: McpServersDep) -> ClientOptionsResponse:
    """List the servers for which a client sends headers of its own."""
    return ClientOptionsResponse.of(await servers.list())
