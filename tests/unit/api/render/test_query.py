"""A finished turn as an answer."""

from dataclasses import replace

import pytest

from lightspeed_core.api.render.query import render_query
from lightspeed_core.api.schemas.query import QueryResponse
from lightspeed_core.domain.approvals import ApprovalState
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import TurnState, TurnWarning
from tests.support.scripted_assistant import APPROVAL, TURN_ID, turn

CALL = ToolCall(id="c1", name="fs_read", arguments={"path": "/a"}, type="mcp_call")
RESULT = ToolResult(
    call_id="c1", name="fs_read", status="success", content="file text", type="mcp_call", round=2
)


def test_a_tool_call_speaks_to_both_generations_of_clients() -> None:
    answer = render_query(turn(tool_calls=(CALL,), tool_results=(RESULT,)))
    assert [call.model_dump() for call in answer.tool_calls] == [
        {
            "id": "c1",
            "name": "fs_read",
            "args": {"path": "/a"},
            "type": "mcp_call",
            "tool_name": "fs_read",
            "arguments": {"path": "/a"},
            "result": {"response": "file text"},
        }
    ]
    assert [result.model_dump() for result in answer.tool_results] == [
        {"id": "c1", "status": "success", "content": "file text", "type": "mcp_call", "round": 2}
    ]


def test_a_tool_that_gave_nothing_has_no_result() -> None:
    silent = ToolResult(call_id="c1", name="fs_read", status="success", content="")
    for results in ((), (silent,)):
        answer = render_query(turn(tool_calls=(CALL,), tool_results=results))
        assert answer.tool_calls[0].result is None


def test_a_chunk_carries_what_its_store_knows_of_it() -> None:
    chunk = RagChunk(
        chunk_id="c1",
        document_id=None,
        content="OLM",
        score=None,
        store_id="vs_1",
        source="ocp-docs",
        title="OLM",
        url="https://docs.example.com/olm",
        attributes={"page": 3},
    )
    bare = RagChunk(chunk_id="c2", document_id=None, content="x", score=0.5, store_id="vs_1")
    answer = render_query(turn(rag_chunks=(chunk, bare)))
    assert [each.model_dump() for each in answer.rag_chunks] == [
        {
            "content": "OLM",
            "source": "ocp-docs",
            "score": None,
            "attributes": {"page": 3, "doc_url": "https://docs.example.com/olm", "title": "OLM"},
        },
        {"content": "x", "source": "vs_1", "score": 0.5, "attributes": None},
    ]


def test_an_interrupted_turn_says_so() -> None:
    warning = TurnWarning(code="stale", message="A source is stale.")
    answer = render_query(turn("Hel", state=TurnState.INTERRUPTED, warnings=(warning,)))
    assert answer.response == "Hel"
    assert [each.code for each in answer.warnings] == ["stale", "interrupted"]


def test_an_answer_that_could_not_be_stored_says_so() -> None:
    assert render_query(turn(recorded=False)).recorded is False


def test_the_documented_example_is_an_answer() -> None:
    examples = QueryResponse.model_json_schema()["examples"]
    for example in examples:
        assert QueryResponse.model_validate(example).model_dump(exclude_unset=True) == example


@pytest.mark.requirement("approvals.protocol")
def test_a_turn_that_waits_for_its_user_has_no_answer_and_says_what_it_waits_for() -> None:
    allowed = replace(APPROVAL, approval_id="an older one", state=ApprovalState.APPROVED)
    waiting = turn(
        "Let me see.",
        state=TurnState.AWAITING_APPROVAL,
        approvals=(allowed, APPROVAL),
        tool_calls=(CALL,),
    )

    answer = render_query(waiting)

    assert answer.response == ""
    assert answer.approval_required is not None
    assert answer.approval_required.model_dump() == {
        "approval_id": APPROVAL.approval_id,
        "request_id": TURN_ID,
        "server": "home",
        "tool": "heat",
        "arguments": {"room": 2},
        "expires_at": "2025-11-21T12:05:00+00:00",
    }
    assert [call.id for call in answer.tool_calls] == ["c1"]


def test_a_turn_that_went_on_has_its_answer() -> None:
    denied = replace(APPROVAL, state=ApprovalState.DENIED)

    answer = render_query(turn("Then not.", approvals=(denied,)))

    assert (answer.response, answer.approval_required) == ("Then not.", None)
