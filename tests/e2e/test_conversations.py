"""Conversations of a running service: listed, read, named, deleted, in both versions."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import pytest

from tests.support.service import Service
from tests.support.streams import WireEvent, parse_stream, read_frames, text_of
from tests.support.stub_llm import StubLLM

VERSIONS = ("v1", "v2")
UNKNOWN_ID = "123e4567-e89b-42d3-a456-426614174000"
STOPPED = "\n\n*Response stopped by the user.*"
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
BOUND_SECONDS = 30.0

both = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def client(service: Service) -> Generator[httpx2.Client]:
    """A client of a user whom no other test knows."""
    with service.client() as client:
        client.params = httpx2.QueryParams(user_id=f"user:default/{uuid.uuid4()}")
        yield client


def ask(client: httpx2.Client, query: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/query", json={"query": query} | SILENT | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: httpx2.Client, version: str = "v1") -> list[dict[str, Any]]:
    answer = client.get(f"/{version}/conversations")
    assert answer.status_code == 200, answer.text
    return answer.json()["conversations"]


def history(client: httpx2.Client, conversation_id: str, version: str = "v1") -> Any:
    answer = client.get(f"/{version}/conversations/{conversation_id}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["conversation_id"] == conversation_id
    return answer.json()["chat_history"]


def eventually[T](look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    until = time.monotonic() + BOUND_SECONDS
    while not holds(found := look()):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


@contextmanager
def streaming(
    client: httpx2.Client, query: str, **more: Any
) -> Generator[tuple[list[WireEvent], Iterator[WireEvent]]]:
    """Ask and read up to the first token; gives what was read, and the rest."""
    body = {"query": query} | SILENT | more
    with client.stream("POST", "/v1/streaming_query", json=body) as answer:
        frames = read_frames(answer.iter_text())
        seen: list[WireEvent] = []
        for event in frames:
            seen.append(event)
            if event.event == "token":
                break
        yield seen, frames


@pytest.mark.requirement("conversation.lists")
def test_one_turn_makes_an_entry_of_both_lists(client: httpx2.Client) -> None:
    asked_at = time.time()
    conversation_id = ask(client, "hello")["conversation_id"]

    (entry,) = listed(client)
    assert entry["conversation_id"] == conversation_id
    assert entry["message_count"] == 1
    assert (entry["last_used_provider"], entry["last_used_model"]) == ("openai", "fake-llm")
    assert set(entry) == {
        "conversation_id",
        "created_at",
        "last_message_at",
        "message_count",
        "last_used_model",
        "last_used_provider",
        "topic_summary",
    }
    (entry,) = listed(client, "v2")
    assert set(entry) == {"conversation_id", "topic_summary", "last_message_timestamp"}
    assert entry["conversation_id"] == conversation_id
    assert asked_at - 1 <= entry["last_message_timestamp"] <= time.time() + 1


@pytest.mark.requirement("turn.history")
def test_a_second_question_goes_on_with_the_conversation(
    client: httpx2.Client, stub: StubLLM
) -> None:
    conversation_id = ask(client, "the first question")["conversation_id"]
    stub.clear()

    again = ask(client, "the second question", conversation_id=conversation_id)

    assert again["conversation_id"] == conversation_id
    assert [entry["message_count"] for entry in listed(client)] == [2]
    (request,) = stub.requests()
    sent = [message["content"] for message in request["body"]["messages"]]
    assert sent[-3:] == [
        "the first question",
        "You asked: the first question",
        "the second question",
    ]


@pytest.mark.requirement("conversation.read")
@both
def test_a_conversation_is_read_turn_by_turn(client: httpx2.Client, version: str) -> None:
    first = ask(client, "one")
    second = ask(client, "two", conversation_id=first["conversation_id"])

    turns = history(client, first["conversation_id"], version)

    assert [turn["request_id"] for turn in turns] == [first["request_id"], second["request_id"]]
    for turn, question in zip(turns, ("one", "two"), strict=True):
        messages = turn["messages"]
        assert [message["type"] for message in messages] == ["user", "assistant"]
        assert [message["content"] for message in messages] == [question, f"You asked: {question}"]
        assert messages[1]["referenced_documents"] == []
        assert (turn["provider"], turn["model"]) == ("openai", "fake-llm")
        assert (turn["tool_calls"], turn["tool_results"]) == ([], [])
        assert turn["started_at"] <= turn["completed_at"]
        assert turn["completed_at"].endswith("Z")


@pytest.mark.requirement("conversation.lists")
@pytest.mark.requirement("conversation.read")
@both
def test_lists_and_conversations_are_read_in_pages(client: httpx2.Client, version: str) -> None:
    ids = [ask(client, f"conversation {number}")["conversation_id"] for number in range(3)]
    turns = [turn["request_id"] for turn in history(client, ids[0])]
    turns += [
        ask(client, f"turn {number}", conversation_id=ids[0])["request_id"] for number in range(2)
    ]
    newest_first = [ids[0], ids[2], ids[1]]

    lists = pages(client, f"/{version}/conversations", "conversations", "conversation_id")
    assert lists == [newest_first[:2], newest_first[2:]]
    read = pages(client, f"/{version}/conversations/{ids[0]}", "chat_history", "request_id")
    assert read == [turns[:2], turns[2:]]


def pages(client: httpx2.Client, path: str, key: str, name: str) -> list[list[str]]:
    found: list[list[str]] = []
    query: dict[str, Any] = {"limit": 2}
    while page := client.get(path, params=query).json()[key]:
        found.append([entry[name] for entry in page])
        query["after"] = found[-1][-1]
    return found


@pytest.mark.requirement("conversation.states")
@both
def test_an_interrupted_answer_is_read_as_the_stream_left_it(
    client: httpx2.Client, version: str
) -> None:
    with streaming(client, "x [[tokens=400]] [[delay=20]]") as (seen, rest):
        start = seen[0].data
        client.post("/v1/streaming_query/interrupt", json={"request_id": start["request_id"]})
        seen += rest

    (turn,) = history(client, start["conversation_id"], version)
    assert (turn["state"], turn["error"]) == ("interrupted", None)
    assert turn["messages"][1]["content"] == text_of(seen)
    assert text_of(seen).endswith(STOPPED)


@pytest.mark.requirement("conversation.states")
@both
def test_a_failed_answer_is_read_with_its_error(client: httpx2.Client, version: str) -> None:
    body = {"query": "x [[tokens=20]] [[cut=8]]"} | SILENT
    events = parse_stream(client.post("/v1/streaming_query", json=body).text)
    assert events[-1].event == "error"

    (turn,) = history(client, events[0].data["conversation_id"], version)

    assert turn["state"] == "failed"
    assert turn["messages"][1]["content"] == text_of(events) != ""
    failure = events[-1].data
    assert turn["error"] == {"response": failure["response"], "cause": failure["cause"]}


@pytest.mark.requirement("conversation.name")
@both
def test_a_name_is_shown_and_survives_the_topic_of_a_model(
    client: httpx2.Client, stub: StubLLM, version: str
) -> None:
    stub.clear()
    # The model is asked for the topic with the same question, and takes as long over it.
    query = "x [[tokens=10]] [[delay=100]]"
    conversation_id = ask(client, query, generate_topic_summary=True)["conversation_id"]

    answer = client.put(
        f"/{version}/conversations/{conversation_id}", json={"topic_summary": "Mine"}
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "conversation_id": conversation_id,
        "success": True,
        "message": "Topic summary updated successfully",
    }
    assert stub.wait_for("streams", 2) == 2
    ask(client, "after the topic", conversation_id=conversation_id)
    for each in VERSIONS:
        assert [entry["topic_summary"] for entry in listed(client, each)] == ["Mine"]


@pytest.mark.requirement("conversation.delete")
@both
def test_a_deleted_conversation_is_gone_from_api_and_database(
    client: httpx2.Client, service: Service, version: str
) -> None:
    answered = ask(client, "a secret question")
    conversation_id = answered["conversation_id"]
    path = f"/{version}/conversations/{conversation_id}"
    assert stored(service, conversation_id, answered["request_id"]) > 1

    first, second = client.delete(path), client.delete(path)

    assert (first.status_code, first.json()) == (
        200,
        {
            "conversation_id": conversation_id,
            "deleted": True,
            "response": "Conversation deleted successfully",
            "success": True,
        },
    )
    assert (second.status_code, second.json()) == (
        200,
        {
            "conversation_id": conversation_id,
            "deleted": False,
            "response": "Conversation not found",
            "success": True,
        },
    )
    for each in VERSIONS:
        assert client.get(f"/{each}/conversations/{conversation_id}").status_code == 404
        assert listed(client, each) == []
    resumed = client.get(f"/v1/streaming_query/{answered['request_id']}")
    assert resumed.status_code == 404
    assert stored(service, conversation_id, answered["request_id"]) == 0
    asked = client.post("/v1/query", json={"query": "x", "conversation_id": conversation_id})
    assert asked.status_code == 404


@pytest.mark.requirement("conversation.delete")
@both
def test_deletion_stops_what_runs(
    client: httpx2.Client, service: Service, stub: StubLLM, version: str
) -> None:
    conversation_id = ask(client, "first")["conversation_id"]
    stub.clear()
    long = "x [[tokens=1000]] [[delay=20]]"
    with (
        streaming(client, long, conversation_id=conversation_id) as (seen, rest),
        service.client() as other,
    ):
        other.params = client.params
        deleted = other.delete(f"/{version}/conversations/{conversation_id}")
        seen += rest

    assert (deleted.status_code, deleted.json()["deleted"]) == (200, True)
    assert seen[-1].event == "interrupted"
    assert stub.wait_for("disconnects", 1) == 1
    assert listed(client) == []
    assert stored(service, conversation_id, seen[0].data["request_id"]) == 0


def stored(service: Service, conversation_id: str, turn_id: str) -> int:
    """Count the rows that the database has of a conversation with one turn."""
    database = service.log.parent / "data" / "lightspeed-stack.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (each,))
            for table, column, each in (
                ("lcs_conversations", "conversation_id", conversation_id),
                ("lcs_turns", "conversation_id", conversation_id),
                ("lcs_journal", "turn_id", turn_id),
            )
        ]
        return sum(count for counted in counts for (count,) in counted)


@pytest.mark.requirement("conversation.owner")
@both
@pytest.mark.parametrize(
    ("method", "verb"), [("GET", "read"), ("PUT", "update"), ("DELETE", "delete")]
)
def test_the_conversation_of_another_is_refused(
    client: httpx2.Client, version: str, method: str, verb: str
) -> None:
    conversation_id = ask(client, "mine")["conversation_id"]
    path = f"/{version}/conversations/{conversation_id}"
    body = {"topic_summary": "Theirs"} if method == "PUT" else None

    answer = client.request(method, path, json=body, params={"user_id": "mallory"})

    assert answer.status_code == 403
    assert answer.json()["detail"] == {
        "response": "User does not have permission to perform this action",
        "cause": f"User mallory does not have permission to {verb} conversation with ID "
        f"{conversation_id}",
    }
    theirs = client.get(f"/{version}/conversations", params={"user_id": "mallory"})
    assert theirs.json()["conversations"] == []
    assert [entry["topic_summary"] for entry in listed(client)] == [None]


@pytest.mark.requirement("conversation.ids")
@both
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_id_of_another_form_is_refused(client: httpx2.Client, version: str, method: str) -> None:
    body = {"topic_summary": "x"} if method == "PUT" else None

    answer = client.request(method, f"/{version}/conversations/abcdef", json=body)

    assert answer.status_code == 400
    assert answer.json()["detail"] == {
        "response": "Invalid conversation ID format",
        "cause": "The conversation ID abcdef has invalid format.",
    }


@pytest.mark.requirement("conversation.ids")
@both
def test_an_unknown_id_is_not_found_and_a_prefix_does_not_matter(
    client: httpx2.Client, version: str
) -> None:
    conversation_id = ask(client, "hello")["conversation_id"]
    prefixed = client.get(f"/{version}/conversations/conv_{conversation_id}")
    assert prefixed.json()["conversation_id"] == conversation_id

    for each in (UNKNOWN_ID, "conv_" + "0123456789abcdef" * 3):
        path = f"/{version}/conversations/{each}"
        for answer in (client.get(path), client.put(path, json={"topic_summary": "x"})):
            assert answer.status_code == 404
            assert answer.json()["detail"]["response"] == "Conversation not found"
