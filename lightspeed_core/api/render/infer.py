"""A finished turn as the answer of `POST /v1/infer`."""

from typing import Any

from lightspeed_core.api.render.parts import (
    render_answered_calls,
    render_chunk,
    render_document,
    render_result,
)
from lightspeed_core.api.schemas.infer import InferData, InferResponse
from lightspeed_core.domain.turn import Turn


def render_infer(turn: Turn, *, with_details: bool) -> InferResponse:
    """Return the answer; without details everything but the text is null."""
    details = _details(turn)
    if not with_details:
        details = dict.fromkeys(details)
    told = {"text": turn.text, "request_id": turn.turn_id, **details}
    return InferResponse(data=InferData.model_validate(told))


def _details(turn: Turn) -> dict[str, Any]:
    return {
        "tool_calls": render_answered_calls(turn),
        "tool_results": [render_result(result) for result in turn.tool_results],
        "rag_chunks": [render_chunk(chunk) for chunk in turn.rag_chunks],
        "referenced_documents": [render_document(each) for each in turn.referenced_documents],
        "input_tokens": turn.usage.input_tokens,
        "output_tokens": turn.usage.output_tokens,
        "tokens_estimated": turn.usage.is_estimated,
    }
