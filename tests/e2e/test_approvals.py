"""Answers that rest on tools of two servers and on documents, with a user who must allow one.

The service is a process. So is the server of the clock, which others publish; the other server is
built on the SDK. The documents are those of the product.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.mcp_server import McpTestServer, mcp_server
from tests.support.public_mcp import clock_over_http
from tests.support.service import running_service
from tests.support.streams import WireEvent, parse_stream, read_frames

pytestmark = [pytest.mark.requirement("mcp.turn"), pytest.mark.requirement("mcp.public")]

CONFIG = """\
name: allowed
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
knowledge: {{product_docs: true}}
approvals: {{approval_timeout_seconds: {seconds}}}
mcp_servers:
  - {{name: numbers, url: "{numbers}"}}
  - {{name: clock, url: "{clock}", require_approval: {{always: [convert_time]}}}}
"""
TIMES = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "Asia/Kolkata"}
QUESTION = (
    '[[tool=add {"a": 40, "b": 2}]] [[tool=convert_time {"source_timezone": "Asia/Tokyo", '
    '"time": "12:00", "target_timezone": "Asia/Kolkata"}]] What is a turn?'
)
ASKED = {"query": QUESTION, "generate_topic_summary": False}
CALLS = {"add": {"a": 40, "b": 2}, "convert_time": TIMES}
ANSWER_KEYS = {
    "approval_required",
    "available_quotas",
    "citations",
    "conversation_id",
    "incomplete_reason",
    "input_tokens",
    "output_tokens",
    "rag_chunks",
    "recorded",
    "referenced_documents",
    "request_id",
    "response",
    "tokens_estimated",
    "tool_calls",
    "tool_results",
    "truncated",
    "warnings",
}
END_KEYS = ANSWER_KEYS - {
    "approval_required",
    "available_quotas",
    "conversation_id",
    "request_id",
    "response",
    "tool_calls",
    "tool_results",
    "warnings",
}
QUESTION_KEYS = {"approval_id", "request_id", "server", "tool", "arguments", "expires_at"}


@pytest.fixture(scope="module")
def servers() -> Generator[tuple[McpTestServer, str]]:
    with mcp_server("numbers") as numbers, clock_over_http() as clock:
        yield numbers, clock


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("approvals")


@contextmanager
def started(
    place: Path,
    servers: tuple[McpTestServer, str],
    environment: dict[str, str],
    *,
    seconds: int = 300,
) -> Generator[httpx2.Client]:
    numbers, clock = servers
    config = place / "lcs.yaml"
    config.write_text(CONFIG.format(numbers=numbers.url, clock=clock, seconds=seconds))
    with running_service(place / "data", environment=environment, config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            yield client
        service.terminate()
        assert "Traceback" not in service.output()


def ask(client: httpx2.Client) -> dict[str, Any]:
    """Ask without a stream, and return the answer that waits."""
    asked = client.post("/v1/query", json=ASKED)
    assert asked.status_code == 200, asked.text
    answer = asked.json()
    check_waiting(answer)
    return answer


def check_waiting(answer: dict[str, Any]) -> None:
    """An answer that waits is empty, and says for what in the shape of the event."""
    assert answer.keys() == ANSWER_KEYS
    assert answer["response"] == ""
    question = answer["approval_required"]
    assert question.keys() == QUESTION_KEYS
    assert (question["server"], question["tool"]) == ("clock", "convert_time")
    assert question["arguments"] == TIMES
    assert question["request_id"] == answer["request_id"]
    assert [result["content"] for result in answer["tool_results"]] == ["42"]


def answer_it(client: httpx2.Client, approval_id: str, **answer: Any) -> None:
    answered = client.post(f"/v1/approvals/{approval_id}", json=answer)
    assert answered.status_code == 200, answered.text
    assert answered.json()["goes_on"] is True
    assert client.post(f"/v1/approvals/{approval_id}", json=answer).status_code == 409


def rest_of(client: httpx2.Client, request_id: str) -> list[WireEvent]:
    resumed = client.get(f"/v1/streaming_query/{request_id}")
    assert resumed.status_code == 200, resumed.text
    return parse_stream(resumed.text)


def check_stream(events: list[WireEvent], *, status: str) -> dict[str, Any]:
    """A whole stream in the contract's shapes; returns the data of its end."""
    assert [event.id for event in events] == list(range(len(events)))
    named = {
        name: [event.data for event in events if event.event == name]
        for name in {event.event for event in events}
    }
    assert events[0].event == "start"
    assert named["start"][0].keys() == {"conversation_id", "request_id"}
    assert [(each["name"], each["args"]) for each in named["tool_call"]] == list(CALLS.items())
    for called in named["tool_call"]:
        assert called.keys() == {"id", "name", "args", "type", "token"}
        assert called["type"] == "mcp_call"
        assert called["token"] == {"tool_name": called["name"], "arguments": called["args"]}
    assert [each["status"] for each in named["tool_result"]] == ["success", status]
    for called, result in zip(named["tool_call"], named["tool_result"], strict=True):
        assert result.keys() == {"id", "status", "content", "type", "round", "token"}
        assert (result["id"], result["type"], result["round"]) == (called["id"], "mcp_call", 1)
        token = {"tool_name": called["name"], "response": result["content"]}
        assert result["token"] == token
    (question,) = named["approval_required"]
    assert question.keys() == QUESTION_KEYS
    assert "warning" not in named
    text = "".join(each["token"] for each in named["token"])
    (complete,) = named["turn_complete"]
    assert complete.keys() == {"id", "token"}
    assert complete["token"] == text
    assert text.startswith("Tool said:")
    last = events[-1]
    assert last.event == "end"
    assert last.whole.keys() == {"event", "data", "available_quotas"}
    assert last.data.keys() == END_KEYS
    check_references(last.data)
    return last.data


def last_result(events: list[WireEvent]) -> str:
    results = [event.data["content"] for event in events if event.event == "tool_result"]
    return results[-1]


def check_references(told: dict[str, Any]) -> None:
    assert told["rag_chunks"]
    for chunk in told["rag_chunks"]:
        assert chunk.keys() == {"content", "source", "score", "attributes"}
        assert isinstance(chunk["score"], float)
    assert told["referenced_documents"]
    for document in told["referenced_documents"]:
        assert document.keys() == {"doc_url", "doc_title", "source", "document_id"}
        assert document["doc_title"]
    for citation in told["citations"]:
        assert citation["marker"].startswith("[")


def check_conversation(client: httpx2.Client, conversation_id: str) -> None:
    """The turn is in the history, with what became of its question."""
    history = client.get(f"/v1/conversations/{conversation_id}")
    assert history.status_code == 200
    assert '"approved"' in history.text


def test_two_tools_of_two_servers_and_documents_answer_when_the_user_allows_it(
    place: Path, servers: tuple[McpTestServer, str], model_environment: dict[str, str]
) -> None:
    with started(place, servers, model_environment) as client:
        asked = ask(client)
        (listed,) = client.get("/v1/approvals").json()["approvals"]
        assert listed.items() >= asked["approval_required"].items()
        check_references(asked)
        answer_it(client, asked["approval_required"]["approval_id"], approve=True)
        assert client.get("/v1/approvals").json() == {"approvals": []}
        events = rest_of(client, asked["request_id"])
        end = check_stream(events, status="success")
        assert end["rag_chunks"] == asked["rag_chunks"]
        assert "-3.5h" in last_result(events)
        check_conversation(client, asked["conversation_id"])

        streamed: list[WireEvent] = []
        with client.stream("POST", "/v1/streaming_query", json=ASKED) as stream:
            for event in read_frames(stream.iter_text()):
                streamed.append(event)
                if event.event == "approval_required":
                    answer_it(client, event.data["approval_id"], approve=True)
        check_stream(streamed, status="success")
        assert rest_of(client, streamed[0].data["request_id"]) == streamed

        refused = ask(client)
        answer_it(
            client, refused["approval_required"]["approval_id"], approve=False, reason="Not now."
        )
        events = rest_of(client, refused["request_id"])
        check_stream(events, status="denied")
        assert "Not now." in last_result(events)


@pytest.mark.requirement("approvals.restart")
def test_a_question_outlives_the_service_and_ends_in_time(
    place: Path, servers: tuple[McpTestServer, str], model_environment: dict[str, str]
) -> None:
    with started(place, servers, model_environment) as client:
        waiting = ask(client)
    with started(place, servers, model_environment, seconds=1) as client:
        (listed,) = client.get("/v1/approvals").json()["approvals"]
        assert listed.items() >= waiting["approval_required"].items()
        answer_it(client, listed["approval_id"], approve=True)
        check_stream(rest_of(client, waiting["request_id"]), status="success")

        forgotten = ask(client)
        check_stream(rest_of(client, forgotten["request_id"]), status="denied")
        late = client.post(
            f"/v1/approvals/{forgotten['approval_required']['approval_id']}", json={"approve": True}
        )
        assert late.status_code == 404
    numbers, _ = servers
    assert numbers.calls().count("tools/call") >= 1
