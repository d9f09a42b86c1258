"""`POST /v1/infer`: one question of a command line, one answer, and nothing is kept."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from lightspeed_core import errors
from lightspeed_core.api.connection import ClientGone, while_connected
from lightspeed_core.api.deps import AssistantDep, ConfigurationDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.render.infer import render_infer
from lightspeed_core.api.routes.query import CLIENT_CLOSED_REQUEST
from lightspeed_core.api.schemas.infer import InferRequest, InferResponse
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1", tags=["infer"], route_class=GuardedRoute)


@router.post(
    "/infer",
    response_model=InferResponse,
    responses=responses(
        *CALLER_ERRORS,
        errors.NotFound,
        errors.PromptTooLong,
        errors.InvalidRequest,
        errors.QuotaExceeded,
        errors.EngineFailed,
        errors.EngineUnavailable,
        errors.Overloaded,
    ),
)
async def infer(
    body: InferRequest,
    request: Request,
    assistant: AssistantDep,
    configuration: ConfigurationDep,
    caller: Annotated[Identity, require(Action.RLSAPI_V1_INFER)],
) -> InferResponse | Response:
    """Ask a question outside of any conversation; nothing of it is stored."""
    with_details = body.include_metadata and configuration.rlsapi_v1.allow_verbose_infer
    asked = body.turn_request(with_details=with_details)
    try:
        turn = await while_connected(request.receive, assistant.infer(asked, caller))
    except ClientGone:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return render_infer(turn, with_details=with_details)
