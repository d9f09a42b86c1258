"""`/v1/streaming_query`: ask and read along, read on after a lost connection, stop."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from lightspeed_core import errors
from lightspeed_core.api.deps import AssistantDep, McpHeadersDep, MetricsDep, RequestHeadersDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.render.streaming_query import JsonFrames, TextFrames
from lightspeed_core.api.routes.query import QUERY_ERRORS
from lightspeed_core.api.schemas.query import TEXT_MEDIA_TYPE, QueryRequest
from lightspeed_core.api.schemas.stream_events import FRAME
from lightspeed_core.api.schemas.streaming_query import InterruptRequest, InterruptResponse
from lightspeed_core.api.sse import TurnStream
from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import MalformedRequest

router = APIRouter(prefix="/v1", tags=["streaming_query"], route_class=GuardedRoute)

Caller = Annotated[Identity, require(Action.STREAMING_QUERY)]

_NUMBER: Final = re.compile(r"^(?:-1|[0-9]{1,18})?$")

# Shown and not checked by the framework: what is no number is status 400, not 422.
_EventNumber = Annotated[str, Field(json_schema_extra={"pattern": _NUMBER.pattern})]
_STREAM: Final = {
    200: {
        "description": "Server-sent events as `docs/events.md` describes them, or plain text.",
        "content": {
            "text/event-stream": {
                "itemSchema": FRAME,
                "example": (
                    'id: 0\ndata: {"event": "start", "data": {"conversation_id": '
                    '"123e4567-e89b-42d3-a456-426614174000", "request_id": '
                    '"9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"}}\n\n'
                    'id: 1\ndata: {"event": "token", "data": {"id": 0, "token": "Hello"}}\n\n'
                ),
            },
            "text/plain": {"schema": {"type": "string"}, "example": "Hello"},
        },
    }
}
_RESUME_ERRORS: Final = (
    *CALLER_ERRORS,
    errors.NotFound,
    errors.InvalidRequest,
    errors.StoreUnavailable,
)
_READ_AGAIN_ERRORS: Final = (*_RESUME_ERRORS, errors.QuotaExceeded, errors.Overloaded)
_OUTCOMES: Final = {
    Interruption.REQUESTED: (True, "Streaming request interrupted"),
    Interruption.ALREADY_COMPLETED: (
        False,
        "Streaming request already completed; nothing to interrupt",
    ),
}


@router.post(
    "/streaming_query", response_class=Response, responses=_STREAM | responses(*QUERY_ERRORS)
)
async def streaming_query(
    body: QueryRequest,
    assistant: AssistantDep,
    caller: Caller,
    mcp_headers: McpHeadersDep,
    metrics: MetricsDep,
    headers: RequestHeadersDep,
) -> Response:
    """Ask a question and read the answer while it is written."""
    asked = body.turn_request(mcp_headers, endpoint="/v1/streaming_query", headers=headers)
    source = await assistant.start(asked, caller)
    renderer = TextFrames() if body.media_type == TEXT_MEDIA_TYPE else JsonFrames()
    return TurnStream(source, renderer, abandon=assistant.abandon, running=metrics.turns.stream())


@router.post("/streaming_query/interrupt", responses=responses(*_RESUME_ERRORS))
async def interrupt(
    body: InterruptRequest, assistant: AssistantDep, caller: Caller
) -> InterruptResponse:
    """Stop an answer that is being written; what there is of it is kept."""
    interrupted, message = _OUTCOMES[await assistant.interrupt(body.request_id, caller)]
    return InterruptResponse(request_id=body.request_id, interrupted=interrupted, message=message)


@router.get(
    "/streaming_query/{request_id}",
    response_class=Response,
    responses=_STREAM | responses(*_READ_AGAIN_ERRORS),
)
async def resume(
    request_id: str,
    assistant: AssistantDep,
    caller: Caller,
    metrics: MetricsDep,
    last_event_id: Annotated[
        _EventNumber, Header(description="Number of the last event seen.")
    ] = "",
    after: Annotated[_EventNumber, Query(description="The same, where no header can be set.")] = "",
) -> Response:
    """Read on after a lost connection: the rest of the events, then live."""
    renderer = JsonFrames(after=_event_number(last_event_id or after))
    source = await assistant.resume(request_id, caller)
    return TurnStream(source, renderer, abandon=assistant.abandon, running=metrics.turns.stream())


def _event_number(text: str) -> int:
    if not text:
        return -1
    if not _NUMBER.fullmatch(text):
        raise MalformedRequest(
            "Invalid event ID", "Last-Event-ID and after must be the number of an event."
        )
    return int(text)
