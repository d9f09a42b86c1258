"""`GET /v1/tools`."""

from collections.abc import Sequence

from fastapi import APIRouter

from lightspeed_core.api.deps import EngineDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.tools import Tool, ToolParameter, ToolsResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.engine.types import VectorStoreInfo

router = APIRouter(prefix="/v1", tags=["tools"], route_class=GuardedRoute)


@router.get(
    "/tools",
    dependencies=[require(Action.GET_TOOLS)],
    responses=responses(*ENGINE_ERRORS),
)
async def tools(engine: EngineDep) -> ToolsResponse:
    """List the tools: the search of the vector stores, where there are any."""
    stores = await engine.vector_stores()
    return ToolsResponse(tools=[_file_search(stores)] if stores else [])


def _file_search(stores: Sequence[VectorStoreInfo]) -> Tool:
    return Tool(
        identifier="file_search",
        description=f"Search the vector stores {', '.join(store.name for store in stores)}.",
        parameters=[
            ToolParameter(
                name="query",
                description="What to search for; every question is searched for by itself.",
                parameter_type="string",
                required=True,
                default=None,
            )
        ],
        provider_id=stores[0].provider_id,
        toolgroup_id="builtin::rag",
        server_source="builtin",
        type="tool",
    )
