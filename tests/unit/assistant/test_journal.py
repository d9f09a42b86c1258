from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lightspeed_core.assistant.journal import TurnJournal, decode_events, encode_events
from lightspeed_core.domain.approvals import ApprovalState
from lightspeed_core.domain.events import (
    ApprovalAnswered,
    ApprovalRequired,
    CitationVerified,
    ConversationCompacted,
    DocumentsRetrieved,
    Refused,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
    TurnEvent,
    TurnIncomplete,
    TurnStarted,
    Warned,
)
from lightspeed_core.domain.retrieval import Citation, RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import IncompleteReason, ModelRef, TurnWarning
from tests.support.databases import NOON, a_turn
from tests.support.scripted_assistant import APPROVAL

if TYPE_CHECKING:
    from lightspeed_core.conversations.models import JournalBatch

EVENTS: list[TurnEvent] = [
    TurnStarted("c", "t", ModelRef(provider="openai", model="gpt")),
    TextDelta(("Hél", "lo\n")),
    ToolCallStarted(ToolCall(id="1", name="read", arguments={"a": [1, None]})),
    ToolCallFinished(ToolResult(call_id="1", name="read", status="success", content="x", round=2)),
    DocumentsRetrieved(
        (
            RagChunk(
                chunk_id="k",
                document_id="d",
                content="text",
                score=0.5,
                store_id="s",
                start=0,
                end=4,
                attributes={"page": 3},
            ),
        )
    ),
    CitationVerified(
        Citation(
            marker="[1]",
            document_id="d",
            source=None,
            title="T",
            url=None,
            content_hash="h",
            start=0,
            end=4,
            quote="text",
        )
    ),
    ConversationCompacted("c"),
    TurnIncomplete(IncompleteReason.QUOTA),
    ApprovalRequired(APPROVAL),
    ApprovalAnswered(replace(APPROVAL, state=ApprovalState.DENIED, answered_at=NOON)),
    Refused("shield", "No."),
    Warned(TurnWarning(code="w", message="m", server="s")),
]


def test_every_event_comes_back_as_it_was() -> None:
    assert decode_events(encode_events(EVENTS)) == EVENTS


def test_batches_are_numbered_and_hold_each_event_once() -> None:
    written: list[JournalBatch] = []
    journal = TurnJournal("t", written.append)
    first_of_batch = [journal.add(event) for event in EVENTS[:3]]
    journal.flush()
    journal.flush()
    journal.add(EVENTS[3])
    last = journal.take()

    assert first_of_batch == [True, False, False]
    assert last is not None
    assert [batch.index for batch in (*written, last)] == [0, 1]
    assert [event for batch in (*written, last) for event in decode_events(batch.payload)] == (
        EVENTS[:4]
    )
    assert journal.take() is None


def test_what_strict_json_cannot_say_spoils_no_batch() -> None:
    call = ToolCall(id="c", name="\ud83d", arguments={"big": 2**70}, type="function_call")

    first, second = decode_events(encode_events([ToolCallStarted(call), TextDelta(("a\udc00",))]))

    assert isinstance(first, ToolCallStarted)
    assert (first.call.name, first.call.arguments["big"]) == ("?", float(2**70))
    assert second == TextDelta(("a?",))


def test_events_of_newer_versions_are_passed_over() -> None:
    assert decode_events(b'[["Unheard", {}], ["TextDelta", ["a"]]]') == [TextDelta(("a",))]


@pytest.mark.parametrize("payload", [b"", b"[", b'[["TurnStarted", {}]]', b"\xff"])
def test_a_damaged_journal_is_a_value_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_events(payload)


def test_how_a_turn_ended_is_not_journaled() -> None:
    turn = a_turn()

    assert decode_events(encode_events([TextDelta(("a",)), TurnCompleted(turn)])) == [
        TextDelta(("a",))
    ]
