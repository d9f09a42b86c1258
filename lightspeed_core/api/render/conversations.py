"""Conversations and their turns as the lists and histories show them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lightspeed_core.api.render.parts import (
    render_answered_calls,
    render_citation,
    render_decision,
    render_document,
    render_result,
    render_warning,
)
from lightspeed_core.api.schemas.conversations import (
    ConversationDeleted,
    ConversationResponse,
    ConversationsResponse,
    ConversationSummary,
    ConversationUpdated,
    DatedConversation,
    DatedConversationsResponse,
)
from lightspeed_core.conversations.models import Conversation
from lightspeed_core.domain.turn import Turn, TurnState


def render_conversations(conversations: Iterable[Conversation]) -> ConversationsResponse:
    """Return the list of `GET /v1/conversations`."""
    return ConversationsResponse(
        conversations=[
            ConversationSummary(
                conversation_id=each.conversation_id,
                created_at=each.created_at.isoformat(),
                last_message_at=each.last_message_at.isoformat(),
                message_count=each.message_count,
                last_used_model=each.last_used_model,
                last_used_provider=each.last_used_provider,
                topic_summary=each.topic_summary,
            )
            for each in conversations
        ]
    )


def render_dated_conversations(
    conversations: Iterable[Conversation],
) -> DatedConversationsResponse:
    """Return the list of `GET /v2/conversations`."""
    return DatedConversationsResponse(
        conversations=[
            DatedConversation(
                conversation_id=each.conversation_id,
                topic_summary=each.topic_summary,
                last_message_timestamp=each.last_message_at.timestamp(),
            )
            for each in conversations
        ]
    )


def render_history(conversation_id: str, turns: Iterable[Turn]) -> ConversationResponse:
    """Return a conversation with its turns."""
    return ConversationResponse.model_validate(
        {"conversation_id": conversation_id, "chat_history": [_turn(turn) for turn in turns]}
    )


def render_deletion(conversation_id: str, *, deleted: bool) -> ConversationDeleted:
    """Say what a deletion came to."""
    return ConversationDeleted(
        conversation_id=conversation_id,
        deleted=deleted,
        response="Conversation deleted successfully" if deleted else "Conversation not found",
        success=True,
    )


def render_update(conversation_id: str) -> ConversationUpdated:
    """Say that a topic was set."""
    return ConversationUpdated(
        conversation_id=conversation_id,
        success=True,
        message="Topic summary updated successfully",
    )


def _turn(turn: Turn) -> dict[str, Any]:
    error = turn.error
    documents = [render_document(document) for document in turn.referenced_documents]
    return {
        "request_id": turn.turn_id,
        "state": turn.state,
        "error": error and {"response": error.message, "cause": error.cause},
        "messages": [
            {"content": turn.question, "type": "user", "referenced_documents": None},
            {
                "content": turn.text or _in_place_of_text(turn),
                "type": "assistant",
                "referenced_documents": documents,
            },
        ],
        "tool_calls": render_answered_calls(turn),
        "tool_results": [render_result(result) for result in turn.tool_results],
        "citations": [render_citation(citation) for citation in turn.citations],
        "approvals": [render_decision(approval) for approval in turn.approvals],
        "warnings": [render_warning(warning) for warning in turn.warnings],
        "provider": turn.model.provider,
        "model": turn.model.model,
        "started_at": _seconds(turn.started_at),
        "completed_at": turn.completed_at and _seconds(turn.completed_at),
    }


def _in_place_of_text(turn: Turn) -> str:
    """Return what clients that know no `state` show for a turn without a word of an answer."""
    if turn.state is TurnState.FAILED:
        message = turn.error.message if turn.error else "Internal server error"
        return f"*The question was not answered: {message}.*"
    if turn.state is TurnState.INTERRUPTED:
        return "*The answer was interrupted before its first word.*"
    if turn.state is TurnState.AWAITING_APPROVAL:
        return "*The answer waits until the use of a tool is allowed.*"
    return ""


def _seconds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
