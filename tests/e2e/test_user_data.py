"""Feedback and transcripts of a started service, and an exporter that takes them away."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.exporter import exporting
from tests.support.service import Service, running_service
from tests.support.streams import parse_stream, read_frames

CONFIG = """\
name: user data
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", workers: 2}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {root}/feedback
  transcripts_enabled: true
  transcripts_storage: {root}/transcripts
knowledge: {{product_docs: false}}
"""
DEFAULT_USER = "00000000-0000-0000-0000-000"
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
LOG = {"attachment_type": "log", "content_type": "text/plain", "content": "warning"}
CONNECTIONS = 12
ASKED_AT_ONCE = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the service shares with an exporter; nothing is in it yet."""
    return tmp_path_factory.mktemp("shared") / "root"


@pytest.fixture(scope="module")
def collecting(
    tmp_path_factory: pytest.TempPathFactory, root: Path, model_environment: dict[str, str]
) -> Generator[Service]:
    """Two workers that keep feedback and transcripts."""
    folder = tmp_path_factory.mktemp("collecting")
    config = folder / "lcs.yaml"
    config.write_text(CONFIG.format(root=root))
    with running_service(folder / "data", environment=model_environment, config=config) as service:
        service.wait_until_ready()
        yield service
        # So that the workers end as well.
        assert service.terminate() == 0


@pytest.fixture
def client(collecting: Service, root: Path) -> Generator[httpx2.Client]:
    """A client; what the test before has left on the disk is gone."""
    for file in root.rglob("*.json"):
        file.unlink()
    with collecting.client() as client:
        yield client


def ask(client: httpx2.Client, query: str = "Say hello", **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/query", json={"query": query} | SILENT | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def feedback_on(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "conversation_id": answer["conversation_id"],
        "user_question": "Say hello",
        "llm_response": answer["response"],
        "sentiment": 1,
    }


def only_file(folder: Path) -> tuple[Path, dict[str, Any]]:
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    return file.relative_to(folder), json.loads(file.read_text())


def status_on_every_connection(service: Service) -> set[bool]:
    """Ask on connections of their own, which the workers share among them."""
    found: set[bool] = set()
    for _ in range(CONNECTIONS):
        with service.client() as client:
            body = client.get("/v1/feedback/status?user_id=").json()
        assert body["functionality"] == "feedback"
        found.add(body["status"]["enabled"])
    return found


@pytest.mark.requirement("feedback.file")
def test_good_feedback_is_exactly_one_file(client: httpx2.Client, root: Path) -> None:
    answer = ask(client)

    received = client.post("/v1/feedback", json=feedback_on(answer))

    assert (received.status_code, received.json()) == (200, {"response": "feedback received"})
    name, document = only_file(root / "feedback")
    assert str(uuid.UUID(name.stem)) == name.stem
    assert name.parts == (name.name,)
    assert document.pop("timestamp").endswith("+00:00")
    assert list(document.items()) == [
        ("user_id", DEFAULT_USER),
        *feedback_on(answer).items(),
        ("user_feedback", None),
        ("categories", None),
    ]


@pytest.mark.requirement("feedback.form")
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"sentiment": None},
            "Value error, At least one form of feedback must be provided: "
            "'sentiment', 'user_feedback', or 'categories'",
        ),
        ({"sentiment": 0}, "Value error, Improper sentiment value of 0, needs to be -1 or 1"),
        ({"conversation_id": "abc"}, "Value error, Improper conversation ID abc"),
    ],
)
def test_feedback_of_the_wrong_form_is_refused(
    client: httpx2.Client, root: Path, fields: dict[str, Any], message: str
) -> None:
    answer = client.post("/v1/feedback", json=feedback_on(ask(client)) | fields)

    assert answer.status_code == 422
    assert [fault["msg"] for fault in answer.json()["detail"]] == [message]
    assert list(root.glob("feedback/*")) == []


@pytest.mark.requirement("feedback.form")
def test_feedback_is_taken_on_ones_own_conversations_alone(client: httpx2.Client) -> None:
    body = feedback_on(ask(client))

    foreign = client.post("/v1/feedback?user_id=ben", json=body)
    unknown = client.post("/v1/feedback", json=body | {"conversation_id": str(uuid.uuid4())})

    assert (foreign.status_code, unknown.status_code) == (403, 404)
    assert "submit feedback for conversation" in foreign.json()["detail"]["cause"]


@pytest.mark.requirement("feedback.switch")
def test_feedback_is_switched_for_every_worker(
    client: httpx2.Client, collecting: Service, root: Path
) -> None:
    body = feedback_on(ask(client))
    assert status_on_every_connection(collecting) == {True}

    off = client.put("/v1/feedback/status?user_id=ann", json={"status": False})
    statuses = status_on_every_connection(collecting)
    refused = client.post("/v1/feedback", json=body)
    strange = client.put("/v1/feedback/status", json={"status": True, "x": 1})
    on = client.put("/v1/feedback/status", json={"status": True})

    change = off.json()["status"]
    assert off.status_code == 200
    assert (change["previous_status"], change["updated_status"]) == (True, False)
    assert change["updated_by"] == "ann"
    assert statuses == {False}
    assert refused.status_code == 403
    assert refused.json()["detail"]["response"] == "Storing feedback is disabled"
    assert strange.status_code == 422
    assert strange.json()["detail"][0]["type"] == "extra_forbidden"
    assert on.json()["status"]["previous_status"] is False
    assert status_on_every_connection(collecting) == {True}
    assert list(root.glob("feedback/*")) == []


@pytest.mark.requirement("transcript.file")
def test_an_answer_is_exactly_one_transcript(client: httpx2.Client, root: Path) -> None:
    answer = ask(client, attachments=[LOG])

    name, document = only_file(root / "transcripts")
    user = hashlib.sha256(DEFAULT_USER.encode()).hexdigest()
    assert name.parts[:-1] == (user, answer["conversation_id"])
    metadata = document["metadata"]
    assert metadata.pop("timestamp")
    assert metadata == {
        "provider": "openai",
        "model": "fake-llm",
        "query_provider": "openai",
        "query_model": "fake-llm",
        "user_id": user,
        "conversation_id": answer["conversation_id"],
    }
    assert document["redacted_query"] == "Say hello"
    assert document["llm_response"] == answer["response"]
    assert document["attachments"] == [LOG]
    assert (document["query_is_valid"], document["truncated"]) == (True, False)
    for name in ("rag_chunks", "tool_calls", "tool_results"):
        assert document[name] == []


@pytest.mark.requirement("transcript.file")
def test_a_stream_leaves_a_transcript_like_an_answer(client: httpx2.Client, root: Path) -> None:
    body = {"query": "Say hello", "attachments": [LOG]} | SILENT
    events = parse_stream(client.post("/v1/streaming_query", json=body).text)

    _, document = only_file(root / "transcripts")
    assert document["llm_response"] == events[-2].data["token"]
    assert document["attachments"] == [LOG]


@pytest.mark.requirement("transcript.file")
def test_an_interrupted_stream_leaves_a_transcript_of_what_was_written(
    client: httpx2.Client, collecting: Service, root: Path
) -> None:
    body = {"query": "x [[tokens=500]] [[delay=50]]"} | SILENT
    text = request_id = ""
    with client.stream("POST", "/v1/streaming_query", json=body) as answer:
        for event in read_frames(answer.iter_text()):
            if event.event == "start":
                request_id = event.data["request_id"]
            elif event.event == "token":
                if not text:
                    stop(collecting, request_id)
                text += event.data["token"]

    _, document = only_file(root / "transcripts")
    assert document["llm_response"] == text
    assert text.endswith("\n\n*Response stopped by the user.*")


def stop(service: Service, request_id: str) -> None:
    with service.client() as client:
        client.post("/v1/streaming_query/interrupt", json={"request_id": request_id})


@pytest.mark.requirement("export.whole")
async def test_an_exporter_that_takes_files_away_misses_none_and_sees_no_half_ones(
    collecting: Service, root: Path
) -> None:
    async def ask_and_judge(client: httpx2.AsyncClient, number: int) -> str:
        question = {"query": f"question {number} [[tokens=2000]]"} | SILENT
        answer = (await client.post("/v1/query", json=question)).json()
        received = await client.post("/v1/feedback", json=feedback_on(answer))
        assert received.status_code == 200
        return answer["conversation_id"]

    with exporting(root) as exporter:
        exporter.collect()
        exporter.collected.clear()
        async with collecting.async_client() as client:
            asked = await asyncio.gather(
                *(ask_and_judge(client, number) for number in range(ASKED_AT_ONCE))
            )

    assert exporter.broken == []
    feedback = exporter.below("feedback").values()
    transcripts = exporter.below("transcripts").values()
    assert sorted(each["conversation_id"] for each in feedback) == sorted(asked)
    assert sorted(each["metadata"]["conversation_id"] for each in transcripts) == sorted(asked)
    assert {len(each["llm_response"].split()) for each in transcripts} == {2000}
    assert left_in(root) == []


def left_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.requirement("export.off")
def test_with_both_switched_off_nothing_is_kept(service: Service) -> None:
    with service.client() as client:
        answer = ask(client)
        refused = client.post("/v1/feedback", json=feedback_on(answer))
        switched = client.put("/v1/feedback/status", json={"status": True})
        status = client.get("/v1/feedback/status").json()["status"]

    assert refused.status_code == 403
    assert switched.status_code == 422
    assert "feedback_storage is not set" in switched.json()["detail"]["cause"]
    assert status == {"enabled": False}
