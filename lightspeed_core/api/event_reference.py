"""The page about the events of a stream, made from the event classes and their renderers.

It writes no file.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from lightspeed_core.api.render.streaming_query import JsonFrames, TextFrames
from lightspeed_core.domain.approvals import Approval, ApprovalState
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
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import (
    IncompleteReason,
    ModelRef,
    Turn,
    TurnError,
    TurnState,
    TurnWarning,
)

_CONVERSATION: Final = "123e4567-e89b-42d3-a456-426614174000"
_TURN_ID: Final = "9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"
_MODEL: Final = ModelRef(provider="openai", model="gpt-4-turbo")
_CHUNK: Final = RagChunk(
    chunk_id="olm-1",
    document_id="olm",
    content="OLM helps users install operators.",
    score=0.95,
    store_id="ocp-docs",
    title="Operator Lifecycle Manager",
    url="https://docs.example.com/olm",
    start=0,
    end=34,
)
_CITATION: Final = Citation(
    marker="[1]",
    document_id="olm",
    source="ocp-docs",
    title="Operator Lifecycle Manager",
    url="https://docs.example.com/olm",
    content_hash="b17ea1d24ad64d0c9a5494b3c1cd26e4512bffbe6b11df5fdfef2396fcc8c3ff",
    start=0,
    end=34,
    quote="OLM helps users install operators.",
)
_TURN: Final = Turn(
    turn_id=_TURN_ID,
    conversation_id=_CONVERSATION,
    user_id="user:default/ada",
    question="What is OLM?",
    model=_MODEL,
    started_at=datetime(2025, 11, 21, 12, 0, tzinfo=UTC),
    completed_at=datetime(2025, 11, 21, 12, 0, 4, tzinfo=UTC),
    state=TurnState.COMPLETED,
    text="It installs operators [1].",
    rag_chunks=(_CHUNK,),
    referenced_documents=(
        ReferencedDocument(
            doc_url="https://docs.example.com/olm",
            doc_title="Operator Lifecycle Manager",
            source="ocp-docs",
            document_id="olm",
        ),
    ),
    citations=(_CITATION,),
    usage=TokenUsage(input_tokens=150, output_tokens=6),
)
_APPROVAL: Final = Approval(
    approval_id="5b1e9a3c-0c57-4a1e-9d55-8f3f0c2b7a10",
    turn_id=_TURN_ID,
    conversation_id=_CONVERSATION,
    user_id="user:default/ada",
    call_id="fc_2",
    tool="delete_file",
    server="files",
    arguments={"path": "/reports/old.txt"},
    digest="b17ea1d24ad64d0c9a5494b3c1cd26e4512bffbe6b11df5fdfef2396fcc8c3ff",
    created_at=datetime(2025, 11, 21, 12, 0, 2, tzinfo=UTC),
    expires_at=datetime(2025, 11, 21, 12, 5, 2, tzinfo=UTC),
)
_ERROR: Final = TurnError(
    code="engine_unavailable",
    message="Unable to connect to Llama Stack",
    cause="Connection error.",
)

EVENT_SAMPLES: Final[tuple[TurnEvent, ...]] = (
    TurnStarted(_CONVERSATION, _TURN_ID, _MODEL),
    QuestionRewritten("Who is [EMAIL_1f0c93ab]?"),
    ConversationCompacted(_CONVERSATION),
    DocumentsRetrieved((_CHUNK,)),
    ToolCallStarted(
        ToolCall(
            id="fc_1",
            name="file_search",
            arguments={"queries": ["olm"]},
            type="file_search_call",
        )
    ),
    ToolCallFinished(
        ToolResult(
            call_id="fc_1",
            name="file_search",
            status="completed",
            content='{"results": []}',
            type="file_search_call",
        )
    ),
    ApprovalRequired(_APPROVAL),
    TurnPaused(replace(_TURN, state=TurnState.AWAITING_APPROVAL)),
    ApprovalAnswered(replace(_APPROVAL, state=ApprovalState.APPROVED)),
    TextDelta(("It installs", " operators")),
    CitationVerified(_CITATION),
    Refused("question_validity", "I can only answer questions about this product."),
    Warned(
        TurnWarning(code="mcp_server_unavailable", message="A server did not answer.", server="fs")
    ),
    TurnIncomplete(IncompleteReason.MAX_TOOL_CALLS),
    TurnCompleted(_TURN),
    TurnInterrupted(replace(_TURN, state=TurnState.INTERRUPTED)),
    TurnFailed(replace(_TURN, state=TurnState.FAILED, error=_ERROR), _ERROR),
)
"""One event of each class, in the order in which a turn could have them."""

_EVENTS_INTRODUCTION: Final = """\
# Events of a stream

`POST /v1/streaming_query` answers with server-sent events, unless the request asks for
`"media_type": "text/plain"`. Each event is a line `id: <n>`, a line `data: <JSON>` and an empty
line; `n` counts every event from 0. The JSON has the keys `event` and `data`; `end` also has
`available_quotas`. After `service.heartbeat_seconds` (15) of silence a comment line `: heartbeat`
is sent.

A stream begins with `start` and ends with `end`, `interrupted` or `error`. What is refused before
`start` is an HTTP status and no stream. The joined tokens equal the text of `turn_complete`.
`data.id` counts tokens and has nothing to do with `n`.

Where a tool may be called only with the user's leave, `approval_required` comes before that call,
and the stream stays open, silent but for the heartbeat, until it is answered; see
[Approval of tool calls](approvals.md).

A client that lost its connection after event `n` reads the rest from
`GET /v1/streaming_query/{request_id}` with the header `Last-Event-ID: <n>` (or `?after=<n>`). A
number past the end gets the last event.

The sections below show what each event of a turn looks like in both forms.
"""


def events_markdown() -> str:
    """Return the page about the events of a stream."""
    sections = (_event_section(event) for event in EVENT_SAMPLES)
    return "\n".join((_EVENTS_INTRODUCTION, *sections))


def _event_section(event: TurnEvent) -> str:
    frames = JsonFrames().render((event,)).decode().strip()
    text = TextFrames().render((event,)).decode()
    shown = f"```text\n{frames}\n```" if frames else "Nothing of its own."
    parts = [f"## {type(event).__name__}\n", f"{type(event).__doc__}\n", f"{shown}\n"]
    if text:
        parts.append(f"As plain text:\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(parts)
