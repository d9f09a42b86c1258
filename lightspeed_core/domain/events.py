"""What happens during a turn, in order. Renderers turn these into wire formats.

A turn yields any number of events and ends with exactly one of `TurnCompleted`,
`TurnInterrupted` and `TurnFailed`. Token texts travel in batches: one `TextDelta` holds all the
tokens of one read from the model, and each of them is one event on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lightspeed_core.domain.approvals import Approval, Checkpoint
from lightspeed_core.domain.messages import Attachment, TokenUsage
from lightspeed_core.domain.retrieval import Citation, RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import (
    IncompleteReason,
    ModelRef,
    Turn,
    TurnError,
    TurnWarning,
)


@dataclass(frozen=True, slots=True)
class ModelAccepted:
    """The model's endpoint took the request; ends inside the turn."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Tokens of the answer in order."""

    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A tool is about to be called."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolCallFinished:
    """A tool answered, or failed to."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class ModelFinished:
    """A model call is over; ends inside the turn. `stop_reason` is OpenAI's `finish_reason`."""

    usage: TokenUsage
    stop_reason: str


@dataclass(frozen=True, slots=True)
class AnswerPaused:
    """The answer goes on once the user has answered; ends inside the turn."""

    checkpoint: Checkpoint
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The turn can no longer be refused; `turn_id` is the request id of the wire."""

    conversation_id: str
    turn_id: str
    model: ModelRef


@dataclass(frozen=True, slots=True)
class DocumentsRetrieved:
    """Chunks that stand behind the answer, in the order of their numbers."""

    chunks: tuple[RagChunk, ...]


@dataclass(frozen=True, slots=True)
class CitationVerified:
    """A marker of the text was found to hold."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class ConversationCompacted:
    """Older turns were left out of the prompt or summarised."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class QuestionRewritten:
    """Shields have passed the question; from here on the turn has it as they left it.

    `restore` maps placeholders to what the user wrote there. It is told to the user's own stream
    and never stored; `sealed` is, which is the same under the key of the service.
    """

    question: str
    attachments: tuple[Attachment, ...] = ()
    restore: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    sealed: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A shield answered in place of the model."""

    shield: str
    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something cost a part of the answer."""

    warning: TurnWarning


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    """The user must allow a call of a tool, and can from now on."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """The user has answered, or the time to do so is over."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class TurnPaused:
    """The turn waits for its user, as far as `turn` says; what follows comes from the store."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TurnIncomplete:
    """The model would have used tools further; a warning follows."""

    reason: IncompleteReason


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """Terminal: the turn is whole and, unless `turn.recorded` is false, stored."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TurnInterrupted:
    """Terminal: the turn was stopped; `turn` holds what there was."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """Terminal: the turn broke after it had started."""

    turn: Turn
    error: TurnError


type ModelEvent = (
    ModelAccepted | TextDelta | ToolCallStarted | ToolCallFinished | ModelFinished | AnswerPaused
)
type TerminalEvent = TurnCompleted | TurnInterrupted | TurnFailed
type TurnEvent = (
    TurnStarted
    | TextDelta
    | ToolCallStarted
    | ToolCallFinished
    | DocumentsRetrieved
    | CitationVerified
    | ConversationCompacted
    | QuestionRewritten
    | Refused
    | Warned
    | TurnIncomplete
    | ApprovalRequired
    | ApprovalAnswered
    | TurnPaused
    | TerminalEvent
)
