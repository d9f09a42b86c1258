"""A finished turn as the answer of `POST /v1/query`."""

from lightspeed_core.api.render.parts import (
    render_answered_calls,
    render_approval,
    render_chunk,
    render_citation,
    render_document,
    render_result,
    render_warning,
)
from lightspeed_core.api.schemas.query import QueryResponse
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn, TurnState, TurnWarning

_INTERRUPTED = TurnWarning(
    code="interrupted", message="The turn was stopped before its end; this is what there was."
)


def render_query(turn: Turn) -> QueryResponse:
    """Return the answer; an interrupted turn carries a warning that says so.

    A turn that waits for its user has no answer yet, and says what it wants to do first.
    """
    waiting = next(filter(_is_open, turn.approvals), None)
    is_interrupted = turn.state is TurnState.INTERRUPTED
    warnings = (*turn.warnings, _INTERRUPTED) if is_interrupted else turn.warnings
    return QueryResponse.model_validate(
        {
            "conversation_id": turn.conversation_id,
            "request_id": turn.turn_id,
            "response": turn.text if waiting is None else "",
            "approval_required": waiting and render_approval(waiting),
            "rag_chunks": [render_chunk(chunk) for chunk in turn.rag_chunks],
            "tool_calls": render_answered_calls(turn),
            "tool_results": [render_result(result) for result in turn.tool_results],
            "referenced_documents": [render_document(each) for each in turn.referenced_documents],
            "citations": [render_citation(citation) for citation in turn.citations],
            "warnings": [render_warning(warning) for warning in warnings],
            "incomplete_reason": turn.incomplete_reason,
            "recorded": turn.recorded,
            "truncated": False,
            "input_tokens": turn.usage.input_tokens,
            "output_tokens": turn.usage.output_tokens,
            "tokens_estimated": turn.usage.is_estimated,
            "available_quotas": dict(turn.available_quotas),
        }
    )


def _is_open(approval: Approval) -> bool:
    return approval.state is ApprovalState.OPEN
