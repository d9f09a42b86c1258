import json
from dataclasses import fields, replace
from datetime import UTC
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightspeed_core.conversations.encoding import decode, encode
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.messages import Attachment, TokenUsage
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import ModelRef, Turn, TurnError, TurnState, TurnWarning
from tests.support.databases import NOON, a_turn

# Lone surrogates too: a model's tokens may hold them.
TEXT = st.text(st.characters(), max_size=20)
MAYBE_TEXT = st.none() | TEXT
COUNT = st.integers(0, 10**9)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
JSON_OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
TIME = st.datetimes(timezones=st.just(UTC))


def tuples_of(kind: type[Any], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.builds(kind, **known), max_size=2).map(tuple)


TURNS = st.builds(
    Turn,
    turn_id=TEXT,
    conversation_id=TEXT,
    user_id=TEXT,
    question=TEXT,
    model=st.builds(ModelRef, provider=TEXT, model=TEXT),
    started_at=TIME,
    state=st.sampled_from(TurnState),
    completed_at=st.none() | TIME,
    attachments=tuples_of(Attachment, attachment_type=TEXT, content_type=TEXT, content=TEXT),
    text=TEXT,
    tool_calls=tuples_of(ToolCall, id=TEXT, name=TEXT, arguments=JSON_OBJECT, type=TEXT),
    tool_results=tuples_of(
        ToolResult, call_id=TEXT, name=TEXT, status=TEXT, content=TEXT, type=TEXT, round=COUNT
    ),
    rag_chunks=tuples_of(
        RagChunk,
        chunk_id=TEXT,
        document_id=MAYBE_TEXT,
        content=TEXT,
        score=st.none() | FINITE,
        store_id=TEXT,
        source=MAYBE_TEXT,
        title=MAYBE_TEXT,
        url=MAYBE_TEXT,
        content_hash=MAYBE_TEXT,
        start=st.none() | COUNT,
        end=st.none() | COUNT,
        attributes=JSON_OBJECT,
    ),
    referenced_documents=tuples_of(
        ReferencedDocument,
        doc_url=MAYBE_TEXT,
        doc_title=MAYBE_TEXT,
        source=MAYBE_TEXT,
        document_id=MAYBE_TEXT,
    ),
    citations=tuples_of(
        Citation,
        marker=TEXT,
        document_id=MAYBE_TEXT,
        source=MAYBE_TEXT,
        title=MAYBE_TEXT,
        url=MAYBE_TEXT,
        content_hash=MAYBE_TEXT,
        start=st.none() | COUNT,
        end=st.none() | COUNT,
        quote=TEXT,
    ),
    warnings=tuples_of(TurnWarning, code=TEXT, message=TEXT, server=MAYBE_TEXT),
    approvals=tuples_of(
        Approval,
        approval_id=TEXT,
        turn_id=TEXT,
        conversation_id=TEXT,
        user_id=TEXT,
        call_id=TEXT,
        tool=TEXT,
        server=MAYBE_TEXT,
        arguments=JSON_OBJECT,
        digest=TEXT,
        created_at=TIME,
        expires_at=TIME,
        state=st.sampled_from(ApprovalState),
        answered_at=st.none() | TIME,
        reason=MAYBE_TEXT,
    ),
    usage=st.builds(
        TokenUsage, input_tokens=COUNT, output_tokens=COUNT, is_estimated=st.booleans()
    ),
    refused_by=MAYBE_TEXT,
    incomplete_reason=MAYBE_TEXT,
    error=st.none() | st.builds(TurnError, code=TEXT, message=TEXT, cause=TEXT),
    recorded=st.booleans(),
)


def decoded(document: str, turn: Turn) -> Turn:
    return decode(
        document,
        turn_id=turn.turn_id,
        conversation_id=turn.conversation_id,
        user_id=turn.user_id,
        state=turn.state.value,
        started_at=turn.started_at,
        completed_at=turn.completed_at,
    )


@settings(max_examples=150, deadline=None)
@given(TURNS)
def test_a_turn_comes_back_as_it_was(turn: Turn) -> None:
    assert decoded(encode(turn), turn) == turn


@given(TURNS)
@settings(max_examples=50, deadline=None)
def test_a_document_is_text_that_every_database_takes(turn: Turn) -> None:
    document = encode(turn)

    assert "\x00" not in document
    assert document.encode()
    assert json.loads(document)


def test_every_field_has_its_place_or_is_of_the_moment() -> None:
    turn = a_turn()
    beside = {"turn_id", "conversation_id", "user_id", "state", "started_at", "completed_at"}
    of_the_moment = {"available_quotas"}

    stored = set(json.loads(encode(turn)))

    assert stored | beside | of_the_moment == {field.name for field in fields(Turn)}
    assert not stored & (beside | of_the_moment)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 2**53 + 1, 0.1, -0.0, 1e300])
def test_numbers_come_back_exactly(number: float) -> None:
    call = ToolCall(id="1", name="sum", arguments={"number": number})
    turn = replace(a_turn(), tool_calls=(call,))

    [back] = decoded(encode(turn), turn).tool_calls

    assert repr(back.arguments["number"]) == repr(number)


def test_mappings_other_than_dict_come_back_as_equal_ones() -> None:
    arguments = MappingProxyType({"inner": MappingProxyType({"a": 1})})
    turn = replace(a_turn(), tool_calls=(ToolCall(id="1", name="x", arguments=arguments),))

    [back] = decoded(encode(turn), turn).tool_calls

    assert back.arguments == {"inner": {"a": 1}}


def test_a_document_of_an_older_version_takes_defaults() -> None:
    turn = a_turn()

    back = decoded('{"question":"Why?","model":{"provider":"openai","model":"small"}}', turn)

    assert back == turn


def test_fields_of_a_newer_version_are_dropped() -> None:
    turn = replace(a_turn(), warnings=(TurnWarning(code="c", message="m"),), completed_at=NOON)
    document = json.loads(encode(turn))
    document["mood"] = "fine"
    document["warnings"][0]["severity"] = 3

    assert decoded(json.dumps(document), turn) == turn


def test_what_is_no_json_is_refused() -> None:
    call = ToolCall(id="1", name="x", arguments={"when": object()})

    with pytest.raises(TypeError, match="object"):
        encode(replace(a_turn(), tool_calls=(call,)))
