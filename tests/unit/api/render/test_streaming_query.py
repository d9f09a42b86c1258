"""Events as frames: what each looks like, how they are counted, what a resumed reader gets."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.api.event_reference import EVENT_SAMPLES
from lightspeed_core.api.render.streaming_query import JsonFrames, TextFrames
from lightspeed_core.domain.events import (
    ApprovalAnswered,
    ApprovalRequired,
    CitationVerified,
    ConversationCompacted,
    DocumentsRetrieved,
    Refused,
    TerminalEvent,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
    TurnPaused,
    Warned,
)
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import TurnError, TurnState, TurnWarning
from tests.support.scripted_assistant import APPROVAL, CONVERSATION_ID, STARTED, TURN_ID, turn

CHUNK = RagChunk(
    chunk_id="c1", document_id="olm", content="OLM is …", score=0.95, store_id="ocp-docs"
)
CITATION = Citation(
    marker="[1]",
    document_id="olm",
    source="ocp-docs",
    title="OLM",
    url="https://docs.example.com/olm",
    content_hash="ab" * 32,
    start=3,
    end=9,
    quote="quoted",
)
DOCUMENT = ReferencedDocument(doc_url="https://docs.example.com/olm", doc_title="OLM")
CALL = ToolCall(id="fc_1", name="file_search", arguments={"q": "olm"}, type="file_search_call")
RESULT = ToolResult(
    call_id="fc_1",
    name="file_search",
    status="completed",
    content="two chunks",
    type="file_search_call",
)
ERROR = TurnError(code="conflict", message="Busy", cause="An earlier turn runs.")
FAILED = TurnFailed(turn(state=TurnState.FAILED, error=ERROR), ERROR)
INTERRUPTED = TurnInterrupted(turn("Hel", state=TurnState.INTERRUPTED))

WIRE: list[tuple[TurnEvent, list[tuple[str, Any]]]] = [
    (STARTED, [("start", {"conversation_id": CONVERSATION_ID, "request_id": TURN_ID})]),
    (
        ConversationCompacted(CONVERSATION_ID),
        [("compaction", {"status": "started", "conversation_id": CONVERSATION_ID})],
    ),
    (
        TextDelta(("Hi", ' "ü\n')),
        [("token", {"id": 0, "token": "Hi"}), ("token", {"id": 1, "token": ' "ü\n'})],
    ),
    (
        ToolCallStarted(CALL),
        [
            (
                "tool_call",
                {
                    "id": "fc_1",
                    "name": "file_search",
                    "args": {"q": "olm"},
                    "type": "file_search_call",
                    "token": {"tool_name": "file_search", "arguments": {"q": "olm"}},
                },
            )
        ],
    ),
    (
        ToolCallFinished(RESULT),
        [
            (
                "tool_result",
                {
                    "id": "fc_1",
                    "status": "completed",
                    "content": "two chunks",
                    "type": "file_search_call",
                    "round": 1,
                    "token": {"tool_name": "file_search", "response": "two chunks"},
                },
            )
        ],
    ),
    (DocumentsRetrieved((CHUNK,)), []),
    (CitationVerified(CITATION), []),
    (Refused("topic", "Not here."), [("token", {"id": 0, "token": "Not here."})]),
    (
        Warned(TurnWarning(code="mcp_unreachable", message="No answer.", server="fs")),
        [("warning", {"code": "mcp_unreachable", "message": "No answer.", "server": "fs"})],
    ),
    (INTERRUPTED, [("interrupted", {"request_id": TURN_ID, "conversation_id": CONVERSATION_ID})]),
    (
        FAILED,
        [("error", {"status_code": 409, "response": "Busy", "cause": "An earlier turn runs."})],
    ),
]

FRAME = re.compile(rb"id: (\d+)\ndata: (.+)\n\n")


def parse(body: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Split a body into numbered events; every byte of it must belong to one."""
    frames = [(int(number), json.loads(data)) for number, data in FRAME.findall(body)]
    assert b"".join(match.group(0) for match in FRAME.finditer(body)) == body
    return frames


def render(*events: TurnEvent) -> list[dict[str, Any]]:
    return [event for _, event in parse(JsonFrames().render(events))]


@pytest.mark.parametrize(("event", "expected"), WIRE, ids=lambda value: type(value).__name__)
def test_an_event_looks_as_the_contract_says(
    event: TurnEvent, expected: list[tuple[str, Any]]
) -> None:
    assert render(event) == [{"event": name, "data": data} for name, data in expected]


def test_the_end_tells_everything_that_the_turn_holds() -> None:
    whole = turn(
        "OLM [1].",
        rag_chunks=(CHUNK,),
        referenced_documents=(DOCUMENT,),
        citations=(CITATION,),
        recorded=False,
    )
    complete, end = render(TurnCompleted(whole))
    assert complete == {"event": "turn_complete", "data": {"id": 0, "token": "OLM [1]."}}
    assert end == {
        "event": "end",
        "data": {
            "referenced_documents": [
                {
                    "doc_url": "https://docs.example.com/olm",
                    "doc_title": "OLM",
                    "source": None,
                    "document_id": None,
                }
            ],
            "rag_chunks": [
                {
                    "content": "OLM is …",
                    "source": "ocp-docs",
                    "score": 0.95,
                    "attributes": {"document_id": "olm"},
                }
            ],
            "citations": [
                {
                    "marker": "[1]",
                    "document_id": "olm",
                    "source": "ocp-docs",
                    "title": "OLM",
                    "url": "https://docs.example.com/olm",
                    "content_hash": "ab" * 32,
                    "start": 3,
                    "end": 9,
                    "quote": "quoted",
                    "page": None,
                    "heading": None,
                    "stale": False,
                }
            ],
            "incomplete_reason": None,
            "recorded": False,
            "truncated": None,
            "input_tokens": 7,
            "output_tokens": 2,
            "tokens_estimated": False,
        },
        "available_quotas": {},
    }


def test_a_call_that_must_be_allowed_is_told_as_the_contract_says() -> None:
    assert render(ApprovalRequired(APPROVAL)) == [
        {
            "event": "approval_required",
            "data": {
                "approval_id": APPROVAL.approval_id,
                "request_id": TURN_ID,
                "server": "home",
                "tool": "heat",
                "arguments": {"room": 2},
                "expires_at": "2025-11-21T12:05:00+00:00",
            },
        }
    ]


def test_what_is_told_elsewhere_takes_no_number() -> None:
    renderer = JsonFrames()
    assert renderer.render([TurnPaused(turn("")), ApprovalAnswered(APPROVAL)]) == b""
    assert renderer.render([TextDelta(("x",))]).startswith(b"id: 0\n")


def test_frames_are_bytes_that_clients_have_always_seen() -> None:
    assert JsonFrames().render([STARTED, TextDelta(("é",))]) == (
        b'id: 0\ndata: {"event": "start", "data": {"conversation_id": '
        b'"123e4567-e89b-42d3-a456-426614174000", "request_id": '
        b'"9f5c0e0a-5f4e-4b66-8c0b-6e2f6b3a1d11"}}\n\n'
        b'id: 1\ndata: {"event": "token", "data": {"id": 0, "token": "\\u00e9"}}\n\n'
    )


def test_every_class_of_events_is_shown_in_the_reference() -> None:
    def members(alias: Any) -> set[type]:
        kinds = get_args(getattr(alias, "__value__", alias))
        return {alias} if not kinds else set[type]().union(*map(members, kinds))

    assert {type(event) for event in EVENT_SAMPLES} == members(TurnEvent)
    assert members(TerminalEvent) < members(TurnEvent)


def test_a_shield_that_answers_for_the_model_is_one_token_and_the_end() -> None:
    refused = turn("Not here.", refused_by="topic")
    events = render(STARTED, Refused("topic", "Not here."), TurnCompleted(refused))
    assert [event["event"] for event in events] == ["start", "token", "end"]


def test_a_shield_in_mid_stream_leaves_a_turn_that_equals_its_tokens() -> None:
    events = render(
        STARTED,
        TextDelta(("So ", "far. ")),
        Refused("output_rules", "No further."),
        TurnCompleted(turn("So far. No further.", refused_by="output_rules")),
    )
    assert [event["event"] for event in events] == [
        "start", "token", "token", "token", "turn_complete", "end",
    ]  # fmt: skip
    tokens = [event["data"] for event in events if event["event"] == "token"]
    complete = events[-2]["data"]
    assert "".join(token["token"] for token in tokens) == complete["token"]
    assert [token["id"] for token in tokens] + [complete["id"]] == [0, 1, 2, 3]


WHOLE: tuple[TurnEvent, ...] = (
    STARTED,
    ConversationCompacted(CONVERSATION_ID),
    DocumentsRetrieved((CHUNK,)),
    ToolCallStarted(CALL),
    ToolCallFinished(RESULT),
    TextDelta(("One", " two")),
    CitationVerified(CITATION),
    TextDelta((" three", " four", " five")),
    Warned(TurnWarning(code="stale", message="A source is stale.")),
)
ENDS: dict[str, TurnEvent] = {
    "completed": TurnCompleted(turn("One two three four five")),
    "interrupted": INTERRUPTED,
    "failed": FAILED,
}


def in_batches(events: Sequence[TurnEvent], size: int, after: int) -> bytes:
    renderer = JsonFrames(after=after)
    return b"".join(
        renderer.render(events[start : start + size]) for start in range(0, len(events), size)
    )


TURNS: dict[str, tuple[TurnEvent, ...]] = {
    **{name: (*WHOLE, end) for name, end in ENDS.items()},
    "refused": (STARTED, Refused("topic", "No."), TurnCompleted(turn("No.", refused_by="topic"))),
    "approved": (
        STARTED,
        ToolCallStarted(CALL),
        ApprovalRequired(APPROVAL),
        TurnPaused(turn("")),
        ApprovalAnswered(APPROVAL),
        ToolCallFinished(RESULT),
        TextDelta(("Done", ".")),
        TurnCompleted(turn("Done.")),
    ),
    "refused late": (
        STARTED,
        TextDelta(("So ", "far. ")),
        Refused("rules", "No."),
        TurnCompleted(turn("So far. No.", refused_by="rules")),
    ),
}


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("events", TURNS.values(), ids=TURNS.keys())
def test_a_reader_who_saw_event_k_gets_exactly_the_rest(
    events: tuple[TurnEvent, ...], size: int
) -> None:
    body = in_batches(events, 1, -1)
    frames = [match.group(0) for match in FRAME.finditer(body)]
    assert [number for number, _ in parse(body)] == list(range(len(frames)))
    for k in range(-1, len(frames)):
        assert in_batches(events, size, k) == b"".join(frames[k + 1 :])


@pytest.mark.parametrize("events", TURNS.values(), ids=TURNS.keys())
@pytest.mark.parametrize("beyond", [1, 2, 10**15])
def test_a_number_past_the_end_gets_the_last_event(
    events: tuple[TurnEvent, ...], beyond: int
) -> None:
    body = in_batches(events, 1, -1)
    frames = [match.group(0) for match in FRAME.finditer(body)]
    assert in_batches(events, 1, len(frames) - 1 + beyond) == frames[-1]


@given(
    texts=st.lists(st.lists(st.text(), max_size=4).map(tuple), max_size=6), k=st.integers(-1, 30)
)
def test_any_text_survives_the_stream(texts: list[tuple[str, ...]], k: int) -> None:
    joined = "".join("".join(tokens) for tokens in texts)
    events = [STARTED, *map(TextDelta, texts), TurnCompleted(turn(joined))]
    frames = parse(JsonFrames().render(events))
    tokens = [event["data"] for _, event in frames if event["event"] == "token"]
    assert "".join(token["token"] for token in tokens) == joined
    assert frames[-2][1]["data"]["token"] == joined
    assert [token["id"] for token in tokens] == list(range(len(tokens)))
    rest = parse(in_batches(events, 1, k))
    assert rest == (frames[k + 1 :] if k < len(frames) else frames[-1:])


def test_a_lone_surrogate_of_a_model_breaks_nothing() -> None:
    (event,) = render(TextDelta(("\ud800",)))
    assert event["data"]["token"] == "\ud800"
    assert TextFrames().render([TextDelta(("a\ud800",))]) == b"a?"


PLAIN: list[tuple[TurnEvent, str]] = [
    (STARTED, ""),
    (ConversationCompacted(CONVERSATION_ID), ""),
    (DocumentsRetrieved((CHUNK,)), ""),
    (CitationVerified(CITATION), ""),
    (Warned(TurnWarning(code="x", message="y")), ""),
    (INTERRUPTED, ""),
    (TextDelta(("Hi", " there")), "Hi there"),
    (Refused("topic", "Not here."), "Not here."),
    (ToolCallStarted(CALL), "[Tool Call: file_search]\n"),
    (ToolCallFinished(RESULT), "[Tool Result]\n"),
    (ApprovalRequired(APPROVAL), "[Approval Required: heat]\n"),
    (ApprovalAnswered(APPROVAL), ""),
    (FAILED, "Status: 409 - Busy - An earlier turn runs."),
    (TurnCompleted(turn("Hi")), ""),
    (
        TurnCompleted(
            turn("Hi", referenced_documents=(DOCUMENT, replace(DOCUMENT, doc_url=None), DOCUMENT))
        ),
        "\n\n---\n\nOLM: https://docs.example.com/olm\nOLM: https://docs.example.com/olm",
    ),
]


@pytest.mark.parametrize(("event", "text"), PLAIN, ids=lambda value: type(value).__name__)
def test_plain_text_is_the_answer_with_short_notes(event: TurnEvent, text: str) -> None:
    assert TextFrames().render([event]).decode() == text
