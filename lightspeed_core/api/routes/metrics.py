"""`GET /metrics`."""

from typing import Final

from fastapi import APIRouter, Response

from lightspeed_core.api.deps import MetricsDep
from lightspeed_core.api.errors import CALLER_ERRORS, responses
from lightspeed_core.api.guards import GuardedRoute, require
from lightspeed_core.config.authorization import Action

router = APIRouter(tags=["metrics"], route_class=GuardedRoute)

_TEXT: Final = {
    200: {
        "description": "Metrics in Prometheus' text format, as `docs/metrics.md` lists them.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": "# TYPE ls_started_in_degraded_mode gauge\n"
                "ls_started_in_degraded_mode 0.0\n",
            }
        },
    }
}


@router.get(
    "/metrics",
    dependencies=[require(Action.GET_METRICS)],
    response_class=Response,
    responses=_TEXT | responses(*CALLER_ERRORS),
)
async def metrics(counted: MetricsDep) -> Response:
    """Show what this process has counted; Llama Stack is not asked."""
    return Response(counted.render(), headers={"content-type": counted.content_type})
