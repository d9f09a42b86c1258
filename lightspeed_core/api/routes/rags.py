"""`GET /v1/rags` and `GET /v1/rags/{rag_id}`."""

from typing import Annotated

from fastapi import APIRouter

from lightspeed_core.api.deps import EngineDep, SourcesDep
from lightspeed_core.api.errors import ENGINE_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.rags import RagResponse, RagsResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import InvalidRequest, NotFound

router = APIRouter(prefix="/v1", tags=["rags"], route_class=GuardedRoute)


@router.get("/rags", responses=responses(*ENGINE_ERRORS))
async def rags(
    sources: SourcesDep, caller: Annotated[Identity, require(Action.LIST_RAGS)]
) -> RagsResponse:
    """List the vector stores that the caller may search."""
    return RagsResponse(rags=[source.name for source in await sources.readable(caller)])


@router.get("/rags/{rag_id}", responses=responses(*ENGINE_ERRORS, InvalidRequest, NotFound))
async def rag(
    rag_id: str,
    engine: EngineDep,
    sources: SourcesDep,
    caller: Annotated[Identity, require(Action.GET_RAG)],
) -> RagResponse:
    """Show a vector store, by its `rag_id` or its id."""
    source = await sources.get(rag_id, caller, resource="rag")
    state = await engine.vector_store(source.store_id)
    return RagResponse(
        id=source.name,
        name=state.name,
        created_at=state.created_at,
        last_active_at=state.last_active_at,
        usage_bytes=state.usage_bytes,
        expires_at=state.expires_at,
        object="vector_store",
        status=state.status,
    )
