"""Events of a turn as the frames of `POST /v1/streaming_query`.

Pure: events in, bytes out, with nothing kept but counters. A frame's `id:` counts every frame
from 0 and is what `Last-Event-ID` names; `data.id` counts tokens.
"""

import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from typing import Any, ClassVar, Protocol, assert_never

from lightspeed_core.api.errors import error_event, status_of_code
from lightspeed_core.api.render.parts import (
    render_approval,
    render_call,
    render_chunk,
    render_citation,
    render_document,
    render_result,
    render_warning,
)
from lightspeed_core.domain.events import (
    ApprovalAnswered,
    ApprovalRequired,
    CitationVerified,
    ConversationCompacted,
    DocumentsRetrieved,
    QuestionRewritten,
    Refused,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnIncomplete,
    TurnInterrupted,
    TurnPaused,
    TurnStarted,
    Warned,
)
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import Turn, TurnError
from lightspeed_core.errors import LightspeedError


class StreamRenderer(Protocol):
    """A form of the stream; `silence` is what is sent when nothing happens for a while."""

    media_type: ClassVar[str]
    silence: ClassVar[bytes]

    def render(self, events: Iterable[TurnEvent]) -> bytes:
        """Return the frames of the next events; often one read's tokens in one piece."""
        ...

    def render_break(self, error: LightspeedError) -> bytes:
        """Return what is said when the events themselves can no longer be had."""
        ...


class JsonFrames:
    """Server-sent events with JSON data, numbered, without those up to `after`.

    A client whose number lies past the end gets the last frame once more. Data is written with
    Python's default separators and ASCII escapes, as clients have always seen it.
    """

    media_type: ClassVar[str] = "text/event-stream"
    silence: ClassVar[bytes] = b": heartbeat\n\n"

    def __init__(self, *, after: int = -1) -> None:
        self._after = after
        self._next_frame = 0
        self._next_token = 0
        self._answered_by_shield = False

    def render(self, events: Iterable[TurnEvent]) -> bytes:
        """Return the frames of the events."""
        frames: list[str] = []
        for event in events:
            self._render(event, frames)
        return "".join(frames).encode("ascii")

    def render_break(self, error: LightspeedError) -> bytes:
        """Return an `error` frame without a number, for it is no event of the turn."""
        data = error_event(
            status=status_of_code(error.code), message=error.message, cause=error.cause
        )
        return f"data: {json.dumps({'event': 'error', 'data': data})}\n\n".encode("ascii")

    def _tokens(self, tokens: tuple[str, ...], frames: list[str]) -> None:
        """Render tokens; the path that every token of every stream takes."""
        skipped = self._after + 1 - self._next_frame
        if skipped > 0:
            skipped = min(skipped, len(tokens))
            tokens = tokens[skipped:]
            self._next_frame += skipped
            self._next_token += skipped
        frame, token_id, quoted = self._next_frame, self._next_token, encode_basestring_ascii
        for token in tokens:
            frames.append(
                f'id: {frame}\ndata: {{"event": "token", "data": '
                f'{{"id": {token_id}, "token": {quoted(token)}}}}}\n\n'
            )
            frame += 1
            token_id += 1
        self._next_frame, self._next_token = frame, token_id

    def _render(self, event: TurnEvent, frames: list[str]) -> None:
        match event:
            case TextDelta(tokens):
                self._tokens(tokens, frames)
            case TurnStarted() | ConversationCompacted() | Warned() | ApprovalRequired():
                frames.append(self._frame(*_notice(event)))
            case Refused(_, text):
                self._answered_by_shield = self._next_token == 0
                self._tokens((text,), frames)
            case ToolCallStarted(call):
                frames.append(self._frame("tool_call", _call_data(call)))
            case ToolCallFinished(result):
                frames.append(self._frame("tool_result", _result_data(result)))
            case (
                DocumentsRetrieved()
                | CitationVerified()
                | TurnIncomplete()
                | QuestionRewritten()
                | ApprovalAnswered()
                | TurnPaused()
            ):
                pass  # told by `end`, of which the turn is part, by a warning or a tool's result
            case TurnCompleted(turn):
                frames.extend(self._completed(turn))
            case TurnInterrupted(turn):
                frames.append(self._frame("interrupted", _interrupted_data(turn), is_last=True))
            case TurnFailed(_, error):
                frames.append(self._frame("error", _error_data(error), is_last=True))
            case _:
                assert_never(event)

    def _completed(self, turn: Turn) -> Iterable[str]:
        # A shield that answered in place of the model is one token and the end.
        if not self._answered_by_shield:
            data = {"id": self._next_token, "token": turn.text}
            yield self._frame("turn_complete", data)
        beside = {"available_quotas": dict(turn.available_quotas)}
        yield self._frame("end", _end_data(turn), beside=beside, is_last=True)

    def _frame(
        self,
        event: str,
        data: dict[str, Any],
        *,
        beside: dict[str, Any] | None = None,
        is_last: bool = False,
    ) -> str:
        frame = self._next_frame
        self._next_frame += 1
        if frame <= self._after and not (is_last and frame < self._after):
            return ""
        body = json.dumps({"event": event, "data": data, **(beside or {})}, default=str)
        return f"id: {frame}\ndata: {body}\n\n"


class TextFrames:
    """The bare text, with short notes about tools and the documents at the end."""

    media_type: ClassVar[str] = "text/plain"
    silence: ClassVar[bytes] = b""

    def render(self, events: Iterable[TurnEvent]) -> bytes:
        """Return what a reader of plain text sees of the events."""
        return "".join(map(_as_text, events)).encode(errors="replace")

    def render_break(self, error: LightspeedError) -> bytes:
        """Return the line of an error."""
        return _error_line(error.code, error.message, error.cause).encode(errors="replace")


def _as_text(event: TurnEvent) -> str:
    match event:
        case TextDelta(tokens):
            return "".join(tokens)
        case Refused(_, text):
            return text
        case ToolCallStarted() | ToolCallFinished() | ApprovalRequired():
            return _tool_note(event)
        case TurnFailed(_, error):
            return _error_line(error.code, error.message, error.cause)
        case TurnCompleted(turn):
            return _document_list(turn)
        case _:
            return ""


def _tool_note(event: ToolCallStarted | ToolCallFinished | ApprovalRequired) -> str:
    match event:
        case ToolCallStarted(call):
            return f"[Tool Call: {call.name}]\n"
        case ToolCallFinished():
            return "[Tool Result]\n"
        case ApprovalRequired(approval):
            return f"[Approval Required: {approval.tool}]\n"


def _error_line(code: str, message: str, cause: str) -> str:
    return f"Status: {status_of_code(code)} - {message} - {cause}"


def _document_list(turn: Turn) -> str:
    lines = [
        f"{document.doc_title}: {document.doc_url}"
        for document in turn.referenced_documents
        if document.doc_title and document.doc_url
    ]
    return "\n\n---\n\n" + "\n".join(lines) if lines else ""


def _notice(
    event: TurnStarted | ConversationCompacted | Warned | ApprovalRequired,
) -> tuple[str, dict[str, Any]]:
    match event:
        case TurnStarted(conversation_id, turn_id):
            return "start", {"conversation_id": conversation_id, "request_id": turn_id}
        case ConversationCompacted(conversation_id):
            return "compaction", {"status": "started", "conversation_id": conversation_id}
        case Warned(warning):
            return "warning", render_warning(warning)
        case ApprovalRequired(approval):
            return "approval_required", render_approval(approval)


def _call_data(call: ToolCall) -> dict[str, Any]:
    token = {"tool_name": call.name, "arguments": dict(call.arguments)}
    return {**render_call(call), "token": token}


def _result_data(result: ToolResult) -> dict[str, Any]:
    token = {"tool_name": result.name, "response": result.content}
    return {**render_result(result), "token": token}


def _interrupted_data(turn: Turn) -> dict[str, Any]:
    return {"request_id": turn.turn_id, "conversation_id": turn.conversation_id}


def _error_data(error: TurnError) -> dict[str, Any]:
    return error_event(status=status_of_code(error.code), message=error.message, cause=error.cause)


def _end_data(turn: Turn) -> dict[str, Any]:
    return {
        "referenced_documents": [render_document(each) for each in turn.referenced_documents],
        "rag_chunks": [render_chunk(chunk) for chunk in turn.rag_chunks],
        "citations": [render_citation(citation) for citation in turn.citations],
        "incomplete_reason": turn.incomplete_reason,
        "recorded": turn.recorded,
        "truncated": None,
        "input_tokens": turn.usage.input_tokens,
        "output_tokens": turn.usage.output_tokens,
        "tokens_estimated": turn.usage.is_estimated,
    }
