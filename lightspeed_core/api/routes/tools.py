"""`GET /v1/tools`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from lightspeed_core.api.deps import SourcesDep
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

router = APIRouter(prefix="/v1", tags=["tools"], route_class=GuardedRoute)


@router.get("/tools", responses=responses(*ENGINE_ERRORS))
async def tools(
    sources: SourcesDep, caller: Annotated[Identity, require(Action.GET_TOOLS)]
) -> ToolsResponse:
    """List the tools: the search of the vector stores that are configured for it."""
    stores = await sources.for_tool(caller)
    return ToolsResponse(tools=[_file_search(stores)] if stores else [])


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
