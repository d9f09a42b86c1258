"""Transcripts: one file for each turn that was answered, under its user's hashed id.

The consumer behind the exporter knows the keys, so they keep the names of both generations.
"""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import StorageFailed
from lightspeed_core.user_data.files import JsonFiles

logger = logging.getLogger(__name__)


class Transcripts:
    """Writes transcripts below a directory, and removes them."""

    def __init__(self, directory: Path, files: JsonFiles) -> None:
        self._directory = directory
        self._files = files

    async def write(self, turn: Turn) -> None:
        """Write the transcript of an ended turn, unless it failed; never raises.

        The file is named by the turn, so a turn that is settled twice leaves one transcript.
        """
        if turn.state is TurnState.FAILED:
            return
        try:
            await self._files.write(self._file_of(turn), transcript_of(turn))
        except (OSError, TypeError, ValueError):
            logger.exception("transcript was not written turn_id=%s", turn.turn_id)

    async def withdraw(self, turn: Turn) -> None:
        """Remove the transcript of one turn; never raises."""
        try:
            await self._files.remove(self._file_of(turn), below=self._directory)
        except OSError:
            logger.exception("transcript was not removed turn_id=%s", turn.turn_id)

    async def remove(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Remove all transcripts of a conversation in which these users asked.

        Raises `StorageFailed` when some cannot be removed.
        """
        if not _is_name(conversation_id):
            return
        for user_id in user_ids:
            folder = self._folder_of(user_id, conversation_id)
            try:
                await self._files.remove(folder, below=self._directory)
            except OSError as error:
                raise StorageFailed(
                    "Failed to delete transcripts",
                    f"Failed to delete transcripts of conversation with ID {conversation_id}",
                ) from error

    def _file_of(self, turn: Turn) -> Path:
        return self._folder_of(turn.user_id, turn.conversation_id) / f"{turn.turn_id}.json"

    def _folder_of(self, user_id: str, conversation_id: str) -> Path:
        return self._directory / hashed_user_id(user_id) / conversation_id


def _is_name(conversation_id: str) -> bool:
    """Say whether an id is good for one directory; we give no others, and write none."""
    return conversation_id not in {"", ".", ".."} and "/" not in conversation_id


def hashed_user_id(user_id: str) -> str:
    """Return the SHA-256 of a user id in hexadecimal, under which transcripts know the user."""
    return hashlib.sha256(user_id.encode(errors="surrogatepass")).hexdigest()


def transcript_of(turn: Turn) -> dict[str, Any]:
    """Return the transcript of an ended turn; `redacted_query` is the bare question."""
    results = {result.call_id: result for result in turn.tool_results}
    return {
        "metadata": _metadata(turn),
        "redacted_query": turn.question,
        "query_is_valid": True,
        "llm_response": turn.text,
        "rag_chunks": [_chunk(chunk) for chunk in turn.rag_chunks],
        "truncated": False,
        "attachments": [
            {
                "attachment_type": attachment.attachment_type,
                "content_type": attachment.content_type,
                "content": attachment.content,
            }
            for attachment in turn.attachments
        ],
        "tool_calls": [_call(call, results.get(call.id)) for call in turn.tool_calls],
        "tool_results": [_result(result) for result in turn.tool_results],
        "approvals": [_approval(approval) for approval in turn.approvals],
        "refused_by": turn.refused_by,
        "warnings": [
            {"code": each.code, "message": each.message, "server": each.server}
            for each in turn.warnings
        ],
    }


def _metadata(turn: Turn) -> dict[str, Any]:
    return {
        "provider": turn.model.provider,
        "model": turn.model.model,
        "query_provider": turn.model.provider,
        "query_model": turn.model.model,
        "user_id": hashed_user_id(turn.user_id),
        "conversation_id": turn.conversation_id,
        "timestamp": (turn.completed_at or turn.started_at).isoformat(),
    }


def _chunk(chunk: RagChunk) -> dict[str, Any]:
    return {
        "content": chunk.content,
        "source": chunk.source or chunk.store_id,
        "score": chunk.score,
        "attributes": chunk.described_attributes or None,
    }


def _call(call: ToolCall, result: ToolResult | None) -> dict[str, Any]:
    return {
        "id": call.id,
        "name": call.name,
        "args": dict(call.arguments),
        "type": call.type,
        "response": None if result is None else result.content,
    }


def _approval(approval: Approval) -> dict[str, Any]:
    answered_at = approval.answered_at
    return {
        "id": approval.approval_id,
        "tool_call_id": approval.call_id,
        "server": approval.server,
        "tool": approval.tool,
        "state": approval.state.value,
        "reason": approval.reason,
        "answered_at": answered_at and answered_at.isoformat(),
    }


def _result(result: ToolResult) -> dict[str, Any]:
    return {
        "id": result.call_id,
        "status": result.status,
        "content": result.content,
        "type": result.type,
        "round": result.round,
    }
