"""`/v1/feedback`: take feedback, and say or set whether it is taken."""

from typing import Annotated

from fastapi import APIRouter

from lightspeed_core import errors
from lightspeed_core.api.deps import EnabledFeedbackDep, FeedbackDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, public, require
from lightspeed_core.api.schemas.feedback import (
    FeedbackRequest,
    FeedbackResponse,
    FeedbackStatus,
    FeedbackStatusRequest,
    FeedbackStatusResponse,
    FeedbackStatusUpdateResponse,
)
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity

router = APIRouter(prefix="/v1", tags=["feedback"], route_class=GuardedRoute)


@router.post(
    "/feedback",
    responses=responses(
        *CALLER_ERRORS,
        errors.NotFound,
        errors.InvalidRequest,
        errors.StoreUnavailable,
        errors.StorageFailed,
    ),
)
async def feedback(
    collector: EnabledFeedbackDep,
    body: FeedbackRequest,
    caller: Annotated[Identity, require(Action.FEEDBACK)],
) -> FeedbackResponse:
    """Take feedback on an answer of one's own conversation."""
    await collector.receive(body.feedback(), caller)
    return FeedbackResponse(response="feedback received")


@router.get(
    "/feedback/status",
    dependencies=[public()],
    responses=responses(errors.StoreUnavailable, errors.InternalError),
)
async def feedback_status(collector: FeedbackDep) -> FeedbackStatusResponse:
    """Say whether feedback is taken."""
    enabled = await collector.is_enabled()
    return FeedbackStatusResponse(functionality="feedback", status=FeedbackStatus(enabled=enabled))


@router.put(
    "/feedback/status",
    responses=responses(
        *CALLER_ERRORS,
        errors.InvalidRequest,
        errors.StoreUnavailable,
    ),
)
async def set_feedback_status(
    collector: FeedbackDep,
    body: FeedbackStatusRequest,
    caller: Annotated[Identity, require(Action.ADMIN)],
) -> FeedbackStatusUpdateResponse:
    """Switch feedback on or off, for all workers."""
    change = await collector.set_enabled(caller, enabled=body.status)
    return FeedbackStatusUpdateResponse.of(change, caller.user_id)
