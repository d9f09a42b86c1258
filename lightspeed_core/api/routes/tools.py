"""`GET /v1/tools`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import McpHeadersDep, McpToolsDep, RequestHeadersDep, SourcesDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.tools import Tool, ToolParameter, ToolsResponse
from lightspeed_core.assistant.file_search import (
    FILE_SEARCH,
    QUERIES_DESCRIPTION,
    describe_search,
)
from lightspeed_core.assistant.sources import Source
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.mcp.headers import CallerHeaders

router = APIRouter(prefix="/v1", tags=["tools"], route_class=GuardedRoute)


@router.get(
    "/tools",
    responses=responses(
        *ENGINE_ERRORS, errors.ToolAuthRequired, errors.InvalidRequest, errors.StoreUnavailable
    ),
)
async def tools(
    sources: SourcesDep,
    mcp_tools: McpToolsDep,
    caller: Annotated[Identity, require(Action.GET_TOOLS)],
    mcp_headers: McpHeadersDep,
    headers: RequestHeadersDep,
) -> ToolsResponse:
    """List the tools: the search of the vector stores, and those of the MCP servers now."""
    stores = await sources.for_tool(caller)
    given = CallerHeaders(
        user_id=caller.user_id, token=caller.token, client=mcp_headers, request=headers
    )
    listed = await mcp_tools.list(given)
    listed.close()
    found = [_file_search(stores)] if stores else []
    return ToolsResponse(tools=[*found, *(Tool.of(offered) for offered in listed.offered)])


def _file_search(stores: Sequence[Source]) -> Tool:
    return Tool(
        identifier=FILE_SEARCH,
        description=describe_search(stores),
        parameters=[
            ToolParameter(
                name="queries",
                description=QUERIES_DESCRIPTION,
                parameter_type="array",
                required=True,
                default=None,
            )
        ],
        provider_id=stores[0].store.provider_id,
        toolgroup_id="builtin::rag",
        server_source="builtin",
        type="tool",
    )
