"""The one accumulator: events of a turn become its `Turn`.

Recording, the JSON answer, an interrupted answer and the transcript all use what this makes.
It knows nothing of wires and stores.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lightspeed_core.assistant.retrieval import referenced_documents
from lightspeed_core.domain.events import (
    AnswerPaused,
    ApprovalAnswered,
    ApprovalRequired,
    CitationVerified,
    ConversationCompacted,
    DocumentsRetrieved,
    ModelAccepted,
    ModelEvent,
    ModelFinished,
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
from lightspeed_core.domain.turn import Turn, TurnError, TurnState, TurnWarning
from lightspeed_core.errors import LightspeedError

if TYPE_CHECKING:
    from lightspeed_core.domain.approvals import Approval
    from lightspeed_core.domain.retrieval import Citation, RagChunk
    from lightspeed_core.domain.tools import ToolCall, ToolResult


type _Silent = (
    TurnStarted
    | ModelAccepted
    | AnswerPaused
    | ConversationCompacted
    | TurnPaused
    | TurnCompleted
    | TurnInterrupted
    | TurnFailed
)


type _Decision = TurnIncomplete | QuestionRewritten | Refused | ApprovalRequired | ApprovalAnswered


def _check_silent(_: _Silent) -> None:
    """Let the type checker see that the other events say nothing of what a turn holds."""


class TurnFold:
    """Gathers what the events of one turn say, in order.

    What earlier events of it cost is known from `begun`, for it is in no journal.
    """

    def __init__(self, begun: Turn) -> None:
        self._begun = begun
        self._tokens: list[str] = []
        self._calls: list[ToolCall] = []
        self._results: list[ToolResult] = []
        self._chunks: list[RagChunk] = []
        self._citations: list[Citation] = []
        self._warnings: list[TurnWarning] = []
        self._usage = begun.usage
        self._approvals: dict[str, Approval] = {}
        self._refused_by: str | None = None
        self._incomplete_reason: str | None = None

    @property
    def begun(self) -> Turn:
        """The turn as it was received, with the question as far as it may be kept."""
        return self._begun

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._tokens)

    def add(self, event: TurnEvent | ModelEvent) -> None:
        """Take one event in; terminal events add nothing, for they carry a fold's result."""
        match event:
            case TextDelta(tokens):
                self._tokens.extend(tokens)
            case ModelFinished(usage):
                self._usage += usage
            case ToolCallStarted(call):
                self._calls.append(call)
            case ToolCallFinished(result):
                self._results.append(result)
            case DocumentsRetrieved(chunks):
                self._chunks.extend(chunks)
            case CitationVerified(citation):
                self._citations.append(citation)
            case Warned(warning):
                self._warnings.append(warning)
            case (
                TurnIncomplete()
                | QuestionRewritten()
                | Refused()
                | ApprovalRequired()
                | ApprovalAnswered()
            ):
                self._add_decision(event)
            case _:
                _check_silent(event)

    def _add_decision(self, event: _Decision) -> None:
        match event:
            case TurnIncomplete(reason):
                self._incomplete_reason = reason.value
            case QuestionRewritten(question, attachments):
                self._begun = replace(self._begun, question=question, attachments=attachments)
            case Refused(shield, text):
                self._refused_by = shield
                self._tokens.append(text)
            case ApprovalRequired(approval) | ApprovalAnswered(approval):
                self._approvals[approval.approval_id] = approval

    def result(self, state: TurnState, error: LightspeedError | None = None) -> Turn:
        """Return the turn as it stands, ended in the given state."""
        return replace(
            self._begun,
            state=state,
            error=error and TurnError(code=error.code, message=error.message, cause=error.cause),
            completed_at=datetime.now(UTC),
            text=self.text,
            tool_calls=tuple(self._calls),
            tool_results=tuple(self._results),
            approvals=tuple(self._approvals.values()),
            rag_chunks=tuple(self._chunks),
            referenced_documents=referenced_documents(self._chunks),
            citations=tuple(self._citations),
            warnings=tuple(self._warnings),
            usage=self._usage,
            refused_by=self._refused_by,
            incomplete_reason=self._incomplete_reason,
        )
