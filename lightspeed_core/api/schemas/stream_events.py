"""The events of a stream as the API's description shows them; nothing is made from these."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, RootModel

from lightspeed_core.api.schemas.approvals import RequiredApproval
from lightspeed_core.api.schemas.query import (
    AnswerWarning,
    Citation,
    RagChunk,
    ReferencedDocument,
    ToolResult,
)
from lightspeed_core.domain.turn import IncompleteReason


class Started(BaseModel):
    """What a client needs to read on, to interrupt and to ask again."""

    conversation_id: str = Field(description="Send it to go on with the conversation.")
    request_id: str = Field(description="Id of the turn.")


class StartEvent(BaseModel):
    """The first event."""

    event: Literal["start"]
    data: Started


class Compaction(BaseModel):
    """A conversation that became too long for the model."""

    status: Literal["started"]
    conversation_id: str


class CompactionEvent(BaseModel):
    """Older turns are left out of the prompt."""

    event: Literal["compaction"]
    data: Compaction


class Token(BaseModel):
    """A piece of text."""

    id: int = Field(description="Counts the tokens.")
    token: str


class TokenEvent(BaseModel):
    """The next piece of the answer."""

    event: Literal["token"]
    data: Token


class TurnCompleteEvent(BaseModel):
    """The whole answer."""

    event: Literal["turn_complete"]
    data: Token


class CalledTool(BaseModel):
    """A call of a tool for clients of the first generation."""

    tool_name: str
    arguments: dict[str, Any]


class StreamedToolCall(BaseModel):
    """A call of a tool."""

    id: str
    name: str
    args: dict[str, Any]
    type: str
    token: CalledTool


class ToolCallEvent(BaseModel):
    """The model calls a tool."""

    event: Literal["tool_call"]
    data: StreamedToolCall


class AnsweredTool(BaseModel):
    """What a tool answered, for clients of the first generation."""

    tool_name: str
    response: str


class StreamedToolResult(ToolResult):
    """What a tool answered."""

    token: AnsweredTool


class ToolResultEvent(BaseModel):
    """A tool has answered."""

    event: Literal["tool_result"]
    data: StreamedToolResult


class WarningEvent(BaseModel):
    """Something cost a part of the answer."""

    event: Literal["warning"]
    data: AnswerWarning


class ApprovalRequiredEvent(BaseModel):
    """The user must allow a call of a tool before the answer goes on."""

    event: Literal["approval_required"]
    data: RequiredApproval


class StreamEnd(BaseModel):
    """What stood behind the answer, and what it took."""

    referenced_documents: list[ReferencedDocument]
    rag_chunks: list[RagChunk]
    citations: list[Citation]
    incomplete_reason: IncompleteReason | None = Field(
        default=None,
        description="What kept the model from using more tools; null when nothing did.",
    )
    recorded: bool = Field(description="False when the turn could not be stored.")
    truncated: None
    input_tokens: int
    output_tokens: int


class EndEvent(BaseModel):
    """The last event of an answer that was completed."""

    event: Literal["end"]
    data: StreamEnd
    available_quotas: dict[str, int]


class InterruptedEvent(BaseModel):
    """The last event of an answer that was stopped."""

    event: Literal["interrupted"]
    data: Started


class StreamError(BaseModel):
    """A failure after the first event."""

    status_code: int = Field(description="The status that it would have had before.")
    response: str = Field(description="What went wrong, short and stable.")
    cause: str = Field(description="What exactly happened.")


class ErrorEvent(BaseModel):
    """The last event of an answer that failed."""

    event: Literal["error"]
    data: StreamError


class StreamEvent(
    RootModel[
        Annotated[
            StartEvent
            | CompactionEvent
            | TokenEvent
            | ToolCallEvent
            | ToolResultEvent
            | WarningEvent
            | ApprovalRequiredEvent
            | TurnCompleteEvent
            | EndEvent
            | InterruptedEvent
            | ErrorEvent,
            Field(discriminator="event"),
        ]
    ]
):
    """The JSON of one event."""


FRAME: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Counts the events."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": f"#/components/schemas/{StreamEvent.__name__}"},
        },
    },
}
"""One frame of the stream."""
