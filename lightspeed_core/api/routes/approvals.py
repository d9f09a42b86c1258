"""`/v1/approvals`: what tools one's own turns wait for, and the answers."""

from typing import Annotated, Final

from fastapi import APIRouter, Request

from lightspeed_core import errors
from lightspeed_core.api.deps import AssistantDep, McpHeadersDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.api.schemas.approvals import (
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalId,
    ApprovalsResponse,
)
from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1/approvals", tags=["approvals"], route_class=GuardedRoute)

_ANSWER_ERRORS: Final = (
    *CALLER_ERRORS,
    errors.NotFound,
    errors.Conflict,
    errors.InvalidRequest,
    errors.QuotaExceeded,
    errors.StoreUnavailable,
    errors.EngineUnavailable,
    errors.Overloaded,
)

Caller = Annotated[Identity, require(Action.QUERY)]


@router.get("", responses=responses(*CALLER_ERRORS, errors.StoreUnavailable))
async def list_approvals(assistant: AssistantDep, caller: Caller) -> ApprovalsResponse:
    """List the calls of tools that one's own turns wait for, the oldest first."""
    return ApprovalsResponse.of(await assistant.approvals(caller))


@router.post("/{approval_id}", responses=responses(*_ANSWER_ERRORS))
async def answer_approval(
    body: ApprovalAnswer,
    request: Request,
    approval_id: ApprovalId,
    assistant: AssistantDep,
    caller: Caller,
    mcp_headers: McpHeadersDep,
) -> ApprovalAnswered:
    """Allow a call of a tool or deny it; after the last answer the turn goes on.

    Its tools are then called with the credentials and the `MCP-HEADERS` of this request.
    """
    answering = Answering(
        approval_id=approval_id,
        answer=Answer(approve=body.approve, reason=body.reason or None),
        mcp_headers=mcp_headers,
        headers=request.headers,
    )
    return ApprovalAnswered.of(await assistant.answer(answering, caller))
