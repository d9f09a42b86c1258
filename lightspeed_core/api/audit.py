"""From a request and its status to the record of the audit. It decides nothing."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.types import Scope

from lightspeed_core.api.guards import ROUTINE, Guard, GuardedRoute
from lightspeed_core.audit.decision import Decision, Outcome

if TYPE_CHECKING:
    from lightspeed_core.api.state import Services

_REFUSALS: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)


def audit(scope: Scope, status: int, *, request_id: str, notes: Mapping[str, str]) -> None:
    """Record what became of a request for a guarded route, as soon as its status is known."""
    route = scope.get("route")
    if not isinstance(route, GuardedRoute) or not isinstance(route.mark, Guard):
        return
    state = scope["state"]
    caller = state.get("known_caller")
    outcome = _outcome(status, is_known=caller is not None)
    if route.path in ROUTINE and outcome is not Outcome.DENIED:
        return
    services: Services = state["services"]
    client = scope.get("client")
    services.audit.record(
        Decision(
            at=time.time(),
            request_id=request_id,
            outcome=outcome,
            status=status,
            code=state.get("error_code"),
            user_id=None if caller is None else caller.user_id,
            module=services.configuration.authentication.module,
            client=client[0] if client else None,
            action=route.mark.action,
            method=scope["method"],
            resource={"route": route.path, **scope.get("path_params", {}), **notes},
        )
    )


def _outcome(status: int, *, is_known: bool) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.ALLOWED
    if status in _REFUSALS or (not is_known and status < HTTPStatus.INTERNAL_SERVER_ERROR):
        return Outcome.DENIED
    return Outcome.FAILED
