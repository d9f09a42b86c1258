"""Objects that several wire formats share. Plain dictionaries, ready for JSON."""

from typing import Any

from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import Turn, TurnWarning


def render_chunk(chunk: RagChunk) -> dict[str, Any]:
    """Return an entry of `rag_chunks`."""
    return {
        "content": chunk.content,
        "source": chunk.source or chunk.store_id,
        "score": chunk.score,
        "attributes": chunk.described_attributes or None,
    }


def render_document(document: ReferencedDocument) -> dict[str, Any]:
    """Return an entry of `referenced_documents`."""
    return {
        "doc_url": document.doc_url,
        "doc_title": document.doc_title,
        "source": document.source,
        "document_id": document.document_id,
    }


def render_citation(citation: Citation) -> dict[str, Any]:
    """Return an entry of `citations`."""
    return {
        "marker": citation.marker,
        "document_id": citation.document_id,
        "source": citation.source,
        "title": citation.title,
        "url": citation.url,
        "content_hash": citation.content_hash,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "page": citation.page,
        "heading": citation.heading,
        "stale": citation.is_stale,
    }


def render_warning(warning: TurnWarning) -> dict[str, Any]:
    """Return an entry of `warnings`, which is also the data of a `warning` event."""
    return {"code": warning.code, "message": warning.message, "server": warning.server}


def render_call(call: ToolCall) -> dict[str, Any]:
    """Return the part of a tool call on which answers and streams agree."""
    return {"id": call.id, "name": call.name, "args": dict(call.arguments), "type": call.type}


def render_answered_calls(turn: Turn) -> list[dict[str, Any]]:
    """Return `tool_calls` of an answer, under the names of both generations of clients."""
    results = {result.call_id: result.content for result in turn.tool_results}
    return [
        {
            **render_call(call),
            "tool_name": call.name,
            "arguments": dict(call.arguments),
            "result": {"response": content} if (content := results.get(call.id)) else None,
        }
        for call in turn.tool_calls
    ]


def render_approval(approval: Approval) -> dict[str, Any]:
    """Return what an event or an answer says of a call that must be allowed."""
    return {
        "approval_id": approval.approval_id,
        "request_id": approval.turn_id,
        "server": approval.server,
        "tool": approval.tool,
        "arguments": dict(approval.arguments),
        "expires_at": approval.expires_at.isoformat(),
    }


def render_decision(approval: Approval) -> dict[str, Any]:
    """Return what histories and transcripts say of such a call."""
    answered_at = approval.answered_at
    return {
        "approval_id": approval.approval_id,
        "tool_call_id": approval.call_id,
        "server": approval.server,
        "tool": approval.tool,
        "state": approval.state.value,
        "reason": approval.reason,
        "expires_at": approval.expires_at.isoformat(),
        "answered_at": answered_at and answered_at.isoformat(),
    }


def render_result(result: ToolResult) -> dict[str, Any]:
    """Return an entry of `tool_results`."""
    return {
        "id": result.call_id,
        "status": result.status,
        "content": result.content,
        "type": result.type,
        "round": result.round,
    }
