"""`POST /v1/query`: one question, one JSON answer."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from lightspeed_core import errors
from lightspeed_core.api.connection import ClientGone, while_connected
from lightspeed_core.api.deps import AssistantDep, McpHeadersDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.render.query import render_query
from lightspeed_core.api.schemas.query import QueryRequest, QueryResponse
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1", tags=["query"], route_class=GuardedRoute)

QUERY_ERRORS = (
    *CALLER_ERRORS,
    errors.ToolAuthRequired,
    errors.NotFound,
    errors.Conflict,
    errors.PromptTooLong,
    errors.InvalidRequest,
    errors.QuotaExceeded,
    errors.EngineFailed,
    errors.StoreUnavailable,
    errors.EngineUnavailable,
    errors.Overloaded,
)
CLIENT_CLOSED_REQUEST = 499


@router.post("/query", response_model=QueryResponse, responses=responses(*QUERY_ERRORS))
async def query(
    body: QueryRequest,
    request: Request,
    assistant: AssistantDep,
    caller: Annotated[Identity, require(Action.QUERY)],
    mcp_headers: McpHeadersDep,
) -> QueryResponse | Response:
    """Ask a question and wait for the whole answer."""
    asked = body.turn_request(mcp_headers, endpoint="/v1/query", headers=request.headers)
    source = await assistant.start(asked, caller)
    try:
        turn = await while_connected(request.receive, outcome_of(source))
    except ClientGone:
        assistant.abandon(source.turn_id)
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return render_query(turn)
