"""The folded, storable result of one turn: one question and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.messages import Attachment, TokenUsage
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult


class TurnState(StrEnum):
    """Where a turn is in its life: received, held up by its user, or one of the final three."""

    WAITING = "waiting"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Say whether nothing more will happen to the turn."""
        return self not in {TurnState.WAITING, TurnState.AWAITING_APPROVAL}


class IncompleteReason(StrEnum):
    """What kept a model from using more tools: a limit of the turn's, or what was left."""

    MAX_INFER_ITERS = "max_infer_iters"
    MAX_TOOL_CALLS = "max_tool_calls"
    PROMPT_TOO_LONG = "prompt_too_long"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """A model as clients name it; the engine's identifier is `provider/model`."""

    provider: str
    model: str

    @property
    def identifier(self) -> str:
        """The name under which the engine lists the model."""
        return f"{self.provider}/{self.model}"

    @classmethod
    def parse(cls, identifier: str) -> "ModelRef":
        """Split an identifier at its first slash."""
        provider, _, model = identifier.partition("/")
        return cls(provider=provider, model=model)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnWarning:
    """What cost a part of an answer and not the answer itself."""

    code: str
    message: str
    server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnError:
    """Why a turn failed: the code of a `LightspeedError` with its two texts."""

    code: str
    message: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Everything that is kept of a turn. Timestamps are aware and in UTC."""

    turn_id: str
    conversation_id: str
    user_id: str
    question: str
    model: ModelRef
    started_at: datetime
    state: TurnState = TurnState.WAITING
    completed_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    approvals: tuple[Approval, ...] = ()
    rag_chunks: tuple[RagChunk, ...] = ()
    referenced_documents: tuple[ReferencedDocument, ...] = ()
    citations: tuple[Citation, ...] = ()
    warnings: tuple[TurnWarning, ...] = ()
    usage: TokenUsage = field(default_factory=TokenUsage)
    refused_by: str | None = None
    incomplete_reason: str | None = None
    error: TurnError | None = None
    recorded: bool = True
    # What quotas leave the user when the turn has ended, by the class of limiter; never stored.
    available_quotas: Mapping[str, int] = field(default_factory=dict[str, int])
