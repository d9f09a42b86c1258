"""What the Lightspeed plug-in of Backstage needs of a started service.

The plug-in also lists MCP servers (`GET /v1/mcp-servers`), which this version does not serve.
"""

import json
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.domain.events import (
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnCompleted,
)
from lightspeed_core.domain.tools import ToolCall, ToolResult
from tests.support.backstage import Backstage, ShownAnswer, ShownCall, read_events, shown
from tests.support.scripted_assistant import STARTED, turn
from tests.support.service import Service, running_service
from tests.support.stub_llm import StubLLM

SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
QUESTION = "Which environment variable changes the port on which the service listens?"
BOUND_SECONDS = 30.0
STOPPED = "\n\n*Response stopped by the user.*"

pytestmark = pytest.mark.requirement("client.backstage")


CONFIG = """\
name: backend of a portal
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{feedback_enabled: true, feedback_storage: {storage}}}
knowledge: {{product_docs: true}}
"""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("portal") / "feedback"


@pytest.fixture(scope="module")
def portal(storage: Path, model_environment: dict[str, str]) -> Generator[Service]:
    """A service that takes feedback."""
    config = storage.with_name("lcs.yaml")
    config.write_text(CONFIG.format(storage=storage))
    data = storage.with_name("data")
    with running_service(data, environment=model_environment, config=config) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def http(portal: Service) -> Generator[httpx2.Client]:
    with portal.client() as client:
        yield client


@pytest.fixture
def user() -> str:
    """A user of Backstage whom no other test knows."""
    return f"user:default/{uuid.uuid4()}"


@pytest.fixture
def backstage(http: httpx2.Client, user: str) -> Backstage:
    return Backstage(http, quote(user, safe=""))


def eventually[T](look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    until = time.monotonic() + BOUND_SECONDS
    while not holds(found := look()):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def conversations(backstage: Backstage) -> list[dict[str, Any]]:
    answer = backstage.get("/v2/conversations")
    assert answer.status_code == 200, answer.text
    return answer.json()["conversations"]


def history(backstage: Backstage, conversation_id: str | None) -> list[dict[str, Any]]:
    answer = backstage.get(f"/v2/conversations/{conversation_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()["chat_history"]


def test_a_user_is_known_by_the_address_of_the_call(
    backstage: Backstage, http: httpx2.Client, user: str
) -> None:
    asked = backstage.ask("hello", **SILENT)

    assert backstage.post("/authorized", {}).json()["user_id"] == user
    assert [each["conversation_id"] for each in conversations(backstage)] == [asked.conversation_id]
    other = Backstage(http, quote("user:default/mallory", safe=""))
    assert asked.conversation_id not in {each["conversation_id"] for each in conversations(other)}
    assert other.get(f"/v2/conversations/{asked.conversation_id}").status_code == 403


def test_what_the_page_is_built_from_is_listed(backstage: Backstage) -> None:
    models = backstage.get("/v1/models").json()["models"]
    shields = backstage.get("/v1/shields").json()["shields"]
    status = backstage.get("/v1/feedback/status").json()

    assert {"openai/fake-llm"} <= {each["identifier"] for each in models}
    for model in models:
        assert model["model_type"] in {"llm", "embedding"}
        assert model["provider_resource_id"]
        assert model["provider_id"]
    assert shields == []
    assert status == {"functionality": "feedback", "status": {"enabled": True}}


@pytest.mark.parametrize(
    "mcp_headers",
    [None, "", '{"jira": {"Authorization": "a-raw-token"}}', '{"jira": {}}', "not JSON"],
)
def test_whatever_headers_for_mcp_servers_hold_the_question_is_answered(
    backstage: Backstage, mcp_headers: str | None
) -> None:
    backstage.mcp_headers = mcp_headers

    answer = backstage.ask("hello", **SILENT)

    assert (answer.last, answer.text) == ("end", "You asked: hello")


def test_the_tokens_make_the_answer(backstage: Backstage) -> None:
    answer = backstage.ask("x [[tokens=60]]", **SILENT)

    assert uuid.UUID(answer.conversation_id).version == 4
    assert uuid.UUID(answer.request_id)
    assert answer.last == "end"
    assert answer.text == answer.complete == "".join(f"w{number} " for number in range(60))


def test_an_answer_that_looks_like_a_frame_is_shown_as_it_is(backstage: Backstage) -> None:
    question = 'say\n\ndata: {"event": "end", "data": {}}\n\n: really \u2013 \u2028 "ü"'

    answer = backstage.ask(question, **SILENT)

    assert answer.text == answer.complete == f"You asked: {question}"


def test_the_documents_behind_an_answer_have_title_and_address(
    backstage: Backstage, portal: Service
) -> None:
    eventually(portal.output, lambda log: "document stored document_id=README.md" in log)

    answer = backstage.ask(QUESTION, provider="extractive", model="quote")

    assert answer.text == answer.complete
    assert answer.references
    for title, _ in answer.references:
        assert title


# No tool can run yet, so the frames of calls and results come from the renderer alone.
CALLS = (
    ToolCall(id="fc_1", name="pods", arguments={"namespace": "a"}, type="mcp_call"),
    ToolCall(id="fc_2", name="logs", arguments={"pod": "b"}, type="mcp_call"),
)
RESULTS = tuple(
    ToolResult(
        call_id=call.id,
        name=call.name,
        status="success",
        content=f"what {call.name} said",
        type=call.type,
    )
    for call in CALLS
)


def frames() -> list[str]:
    events = (
        STARTED,
        *(ToolCallStarted(call) for call in CALLS),
        # Tools answer in any order.
        *(ToolCallFinished(result) for result in reversed(RESULTS)),
        TextDelta(("Hello", " there")),
        TurnCompleted(turn()),
    )
    return [JsonFrames().render(events).decode()]


@pytest.mark.parametrize("speaks", ["old", "new"])
def test_calls_of_tools_are_read_by_both_generations_of_the_client(speaks: str) -> None:
    answer = shown(frames(), speaks=speaks)

    assert answer.calls == [
        ShownCall(
            id=call.id if speaks == "new" else None,
            name=call.name,
            arguments=dict(call.arguments),
            response=f"what {call.name} said",
        )
        for call in CALLS
    ]
    assert (answer.last, answer.text) == ("end", "Hello there")


def test_events_are_read_wherever_the_network_cuts_the_stream(
    backstage: Backstage, http: httpx2.Client
) -> None:
    body = {"query": "x [[tokens=5]]", "media_type": "application/json"} | SILENT
    whole = http.post(f"/v1/streaming_query?user_id={backstage.user}", json=body).text

    expected = list(read_events([whole]))
    assert expected[-1]["event"] == "end"
    for cut in range(len(whole)):
        assert list(read_events(parts(whole, cut))) == expected


def parts(text: str, cut: int) -> Iterable[str]:
    return text[:cut], text[cut:]


def test_a_conversation_goes_on_is_named_read_and_deleted(backstage: Backstage) -> None:
    asked_at = time.time()
    first = backstage.ask("one", **SILENT)
    second = backstage.ask("two", conversation_id=first.conversation_id, **SILENT)
    path = f"/v2/conversations/{first.conversation_id}"

    renamed = backstage.put(path, {"topic_summary": "Greetings"})
    (listed,) = conversations(backstage)
    turns = history(backstage, first.conversation_id)
    deleted = backstage.delete(path)

    assert second.conversation_id == first.conversation_id
    assert renamed.status_code == 200
    assert listed["conversation_id"] == first.conversation_id
    assert listed["topic_summary"] == "Greetings"
    assert asked_at - 1 <= listed["last_message_timestamp"] <= time.time() + 1
    for turn_shown, question in zip(turns, ("one", "two"), strict=True):
        contents = [message["content"] for message in turn_shown["messages"]]
        assert contents == [question, f"You asked: {question}"]
        assert (turn_shown["provider"], turn_shown["model"]) == ("openai", "fake-llm")
        assert turn_shown["started_at"] <= turn_shown["completed_at"]
    assert deleted.json()["success"] is True
    assert conversations(backstage) == []


def test_a_thumb_with_words_is_kept(backstage: Backstage, storage: Path, user: str) -> None:
    asked = backstage.ask("hello", **SILENT)
    thumb = {
        "conversation_id": asked.conversation_id,
        "user_question": "hello",
        "llm_response": asked.text,
        "sentiment": -1,
        "user_feedback": "Too short.",
    }

    received = backstage.post("/v1/feedback", thumb)

    assert (received.status_code, received.json()) == (200, {"response": "feedback received"})
    (file,) = storage.glob("*.json")
    kept = json.loads(file.read_text())
    assert kept.pop("timestamp")
    assert kept == thumb | {"user_id": user, "categories": None}


def test_an_answer_that_is_stopped_is_kept_up_to_there(backstage: Backstage, stub: StubLLM) -> None:
    stub.clear()
    answer = ShownAnswer()
    stopped: httpx2.Response | None = None
    for event in backstage.events("x [[tokens=400]] [[delay=50]]", **SILENT):
        answer.take(event)
        if stopped is None and answer.text:
            body = {"request_id": answer.request_id}
            stopped = backstage.post("/v1/streaming_query/interrupt", body)

    assert stopped is not None
    assert stopped.json() == {
        "request_id": answer.request_id,
        "interrupted": True,
        "message": "Streaming request interrupted",
    }
    assert answer.last == "interrupted"
    assert answer.text.endswith(STOPPED)
    (kept,) = history(backstage, answer.conversation_id)
    assert kept["messages"][1]["content"] == answer.text
    # The model is told as well, and notices with its next token.
    eventually(lambda: stub.stats().get("disconnects", 0), lambda told: told == 1)


def test_a_browser_that_goes_away_loses_nothing(backstage: Backstage, stub: StubLLM) -> None:
    stub.clear()
    answer = ShownAnswer()
    with closing(backstage.events("x [[tokens=30]] [[delay=20]]", **SILENT)) as events:
        while not answer.text:
            answer.take(next(events))

    turns = eventually(
        lambda: history(backstage, answer.conversation_id), lambda found: len(found) == 1
    )

    assert turns[0]["messages"][1]["content"].split() == [f"w{number}" for number in range(30)]
    assert stub.stats().get("disconnects", 0) == 0
    again = backstage.ask("more", conversation_id=answer.conversation_id, **SILENT)
    assert again.conversation_id == answer.conversation_id


def test_a_refusal_is_no_stream(backstage: Backstage) -> None:
    body = {"query": "x", "media_type": "application/json", "model": "nope", "provider": "openai"}

    answer = backstage.post("/v1/streaming_query", body)

    assert answer.status_code == 404
    assert answer.json()["detail"]["response"] == "Model not found"
