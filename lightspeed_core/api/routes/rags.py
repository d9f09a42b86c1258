"""`GET /v1/rags` and `GET /v1/rags/{rag_id}`."""

from fastapi import APIRouter

from lightspeed_core.api.deps import EngineDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.rags import RagResponse, RagsResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.errors import InvalidRequest, NotFound

router = APIRouter(prefix="/v1", tags=["rags"], route_class=GuardedRoute)


@router.get(
    "/rags",
    dependencies=[require(Action.LIST_RAGS)],
    responses=responses(*ENGINE_ERRORS),
)
async def rags(engine: EngineDep) -> RagsResponse:
    """List the vector stores that can be searched."""
    return RagsResponse(rags=[store.store_id for store in await engine.vector_stores()])


@router.get(
    "/rags/{rag_id}",
    dependencies=[require(Action.GET_RAG)],
    responses=responses(*ENGINE_ERRORS, InvalidRequest, NotFound),
)
async def rag(rag_id: str, engine: EngineDep) -> RagResponse:
    """Show a vector store."""
    if rag_id not in {store.store_id for store in await engine.vector_stores()}:
        raise NotFound("rag", rag_id)
    state = await engine.vector_store(rag_id)
    return RagResponse(
        id=state.store_id,
        name=state.name,
        created_at=state.created_at,
        last_active_at=state.last_active_at,
        usage_bytes=state.usage_bytes,
        expires_at=state.expires_at,
        object="vector_store",
        status=state.status,
    )
