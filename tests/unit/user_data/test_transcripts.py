import json
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.domain.approvals import ApprovalState
from lightspeed_core.domain.messages import Attachment
from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import StorageFailed
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.transcripts import Transcripts, hashed_user_id, transcript_of
from tests.support.scripted_assistant import APPROVAL, CONVERSATION_ID, TURN_ID, turn

WHOLE = replace(
    turn(text="OLM installs operators [1]."),
    question="What is OLM?",
    attachments=(Attachment(attachment_type="log", content_type="text/plain", content="warning"),),
    rag_chunks=(
        RagChunk(
            chunk_id="c",
            document_id="olm",
            content="OLM helps.",
            score=0.5,
            store_id="docs",
            url="https://docs.example.com/olm",
            attributes={"page": 3},
        ),
    ),
    tool_calls=(
        ToolCall(id="call_1", name="search", arguments={"query": "olm"}, type="mcp_call"),
        ToolCall(id="call_2", name="search", arguments={}, type="mcp_call"),
    ),
    tool_results=(
        ToolResult(
            call_id="call_1", name="search", status="success", content="found", type="mcp_call"
        ),
    ),
)


@pytest.fixture
def failures() -> list[None]:
    return []


@pytest.fixture
def transcripts(tmp_path: Path, failures: list[None]) -> Transcripts:
    return Transcripts(tmp_path / "transcripts", JsonFiles(lambda: failures.append(None)))


def written(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_transcript_has_the_keys_of_both_generations_in_their_order() -> None:
    transcript = transcript_of(WHOLE)

    assert list(transcript) == [
        "metadata",
        "redacted_query",
        "query_is_valid",
        "llm_response",
        "rag_chunks",
        "truncated",
        "attachments",
        "tool_calls",
        "tool_results",
        "approvals",
        "refused_by",
        "warnings",
    ]
    assert transcript["metadata"] == {
        "provider": "scripted",
        "model": "model",
        "query_provider": "scripted",
        "query_model": "model",
        "user_id": hashed_user_id("u1"),
        "conversation_id": CONVERSATION_ID,
        "timestamp": "2025-11-21T12:01:00+00:00",
    }
    assert transcript["redacted_query"] == "What is OLM?"
    assert transcript["query_is_valid"] is True
    assert transcript["llm_response"] == "OLM installs operators [1]."
    assert transcript["truncated"] is False


def test_a_transcript_holds_what_was_attached_found_and_called() -> None:
    transcript = transcript_of(WHOLE)

    assert transcript["attachments"] == [
        {"attachment_type": "log", "content_type": "text/plain", "content": "warning"}
    ]
    assert transcript["rag_chunks"] == [
        {
            "content": "OLM helps.",
            "source": "docs",
            "score": 0.5,
            "attributes": {
                "page": 3,
                "doc_url": "https://docs.example.com/olm",
                "document_id": "olm",
            },
        }
    ]
    call = {"name": "search", "type": "mcp_call"}
    assert transcript["tool_calls"] == [
        call | {"id": "call_1", "args": {"query": "olm"}, "response": "found"},
        call | {"id": "call_2", "args": {}, "response": None},
    ]
    assert transcript["tool_results"] == [
        {"id": "call_1", "status": "success", "content": "found", "type": "mcp_call", "round": 1}
    ]


def test_a_user_is_known_by_the_sha_256_of_the_id() -> None:
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hashed_user_id("abc") == digest


@pytest.mark.parametrize("state", [TurnState.COMPLETED, TurnState.INTERRUPTED])
async def test_an_answered_turn_is_one_file_under_user_and_conversation(
    transcripts: Transcripts, tmp_path: Path, state: TurnState
) -> None:
    answered = replace(WHOLE, user_id="../../etc/passwd", state=state)

    await transcripts.write(answered)
    await transcripts.write(answered)

    directory = tmp_path / "transcripts" / hashed_user_id("../../etc/passwd") / CONVERSATION_ID
    assert written(tmp_path) == [directory / f"{TURN_ID}.json"]
    assert json.loads(written(tmp_path)[0].read_text()) == transcript_of(answered)


async def test_a_failed_turn_has_no_transcript(transcripts: Transcripts, tmp_path: Path) -> None:
    await transcripts.write(replace(WHOLE, state=TurnState.FAILED))

    assert written(tmp_path) == []


async def test_a_failing_disk_is_counted_and_logged_and_nothing_is_raised(
    transcripts: Transcripts,
    tmp_path: Path,
    failures: list[None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "transcripts").write_text("a file where a directory should be")

    with caplog.at_level(logging.ERROR):
        await transcripts.write(WHOLE)

    assert len(failures) == 1
    assert f"transcript was not written turn_id={TURN_ID}" in caplog.text
    assert "OLM" not in caplog.text


async def test_a_transcript_that_was_withdrawn_leaves_nothing_but_the_root(
    transcripts: Transcripts, tmp_path: Path
) -> None:
    other = replace(WHOLE, user_id="u2")
    await transcripts.write(WHOLE)
    await transcripts.write(other)

    await transcripts.withdraw(WHOLE)
    await transcripts.withdraw(WHOLE)

    assert [path.name for path in (tmp_path / "transcripts").iterdir()] == [hashed_user_id("u2")]


async def test_the_transcripts_of_a_conversation_go_for_all_who_asked_in_it(
    transcripts: Transcripts, tmp_path: Path
) -> None:
    elsewhere = replace(WHOLE, conversation_id="another")
    for each in (WHOLE, replace(WHOLE, user_id="u2"), elsewhere):
        await transcripts.write(each)

    await transcripts.remove(CONVERSATION_ID, ["u1", "u2", "nobody"])

    directory = tmp_path / "transcripts" / hashed_user_id("u1") / "another"
    assert written(tmp_path) == [directory / f"{TURN_ID}.json"]


@pytest.mark.parametrize("conversation_id", ["", ".", "..", "../elsewhere", "/"])
async def test_an_id_that_is_no_name_removes_nothing(
    transcripts: Transcripts, tmp_path: Path, conversation_id: str
) -> None:
    (tmp_path / "transcripts" / "elsewhere").mkdir(parents=True)
    await transcripts.write(WHOLE)

    await transcripts.remove(conversation_id, ["u1"])

    assert len(written(tmp_path)) == 1
    assert (tmp_path / "transcripts" / "elsewhere").exists()


async def test_transcripts_that_cannot_be_removed_are_an_error(
    transcripts: Transcripts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "transcripts").write_text("a file where a directory should be")

    with pytest.raises(StorageFailed) as caught:
        await transcripts.remove(CONVERSATION_ID, ["u1"])
    await transcripts.withdraw(WHOLE)

    assert CONVERSATION_ID in caught.value.cause
    assert f"transcript was not removed turn_id={TURN_ID}" in caplog.text


def test_a_transcript_holds_what_the_user_decided() -> None:
    denied = replace(
        APPROVAL,
        state=ApprovalState.DENIED,
        reason="Too dear.",
        answered_at=APPROVAL.created_at + timedelta(seconds=9),
    )

    transcript = transcript_of(replace(WHOLE, approvals=(denied,)))

    assert transcript["approvals"] == [
        {
            "id": APPROVAL.approval_id,
            "tool_call_id": "fc_1",
            "server": "home",
            "tool": "heat",
            "state": "denied",
            "reason": "Too dear.",
            "answered_at": "2025-11-21T12:00:09+00:00",
        }
    ]
