"""Two worker processes on one port and one file, each spoken to over a connection of its own."""

import signal
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.support.mcp_server import mcp_server
from tests.support.service import STOP_SECONDS, Service
from tests.support.streams import WireEvent, parse_stream, read_frames, text_of
from tests.support.stub_llm import StubLLM
from tests.support.worker_pair import connected, pair_of_workers, worker_behind, workers_of

SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
LEASE_SECONDS = 10.0


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[Service]:
    with pair_of_workers(tmp_path_factory.mktemp("pair"), model_environment) as service:
        yield service


@pytest.fixture
def clients(pair: Service) -> Generator[tuple[httpx2.Client, httpx2.Client]]:
    """One client for each worker, booted."""
    with connected(pair) as clients:
        yield clients


def ask(query: str, **fields: Any) -> dict[str, Any]:
    return {"query": query} | SILENT | fields


def answer(client: httpx2.Client, query: str, conversation_id: str) -> str:
    body = ask(query, conversation_id=conversation_id)
    response = client.post("/v1/query", json=body)
    assert response.status_code == 200, response.text
    return response.json()["response"]


def resumed(client: httpx2.Client, request_id: str, last: int) -> list[WireEvent]:
    headers = {"Last-Event-ID": str(last)}
    response = client.get(f"/v1/streaming_query/{request_id}", headers=headers)
    assert response.status_code == 200, response.text
    return parse_stream(response.text)


def interrupted(client: httpx2.Client, request_id: str) -> bool:
    wish = {"request_id": request_id}
    return client.post("/v1/streaming_query/interrupt", json=wish).json()["interrupted"]


@pytest.mark.requirement("turn.order")
def test_a_conversation_goes_from_worker_to_worker_in_the_order_of_its_questions(
    clients: tuple[httpx2.Client, httpx2.Client], stub: StubLLM
) -> None:
    one, other = clients
    with ThreadPoolExecutor(2) as pool:
        for round_number in range(8):
            with one.stream(
                "POST", "/v1/streaming_query", json=ask("first [[tokens=4]] [[delay=40]]")
            ) as stream:
                events = read_frames(stream.iter_text())
                # The conversation is known everywhere from the moment it is announced.
                conversation_id = next(events).data["conversation_id"]
                second = pool.submit(answer, other, "second", conversation_id)
                list(events)
            assert second.result() == "You asked: second", round_number
            assert answer(one, "third", conversation_id) == "You asked: third"

    prompts = [
        [message["content"] for message in request["body"]["messages"] if message["role"] == "user"]
        for request in stub.requests()
    ]
    last = [prompt for prompt in prompts if prompt[-1] == "third"]
    assert last == [["first [[tokens=4]] [[delay=40]]", "second", "third"]] * 8


@pytest.mark.requirement("stream.resume")
def test_either_worker_resumes_a_stream_during_the_turn_and_after_it(
    clients: tuple[httpx2.Client, httpx2.Client],
) -> None:
    one, other = clients
    for dropped_after in (1, 2, 7):
        seen: list[WireEvent] = []
        with one.stream(
            "POST", "/v1/streaming_query", json=ask("x [[tokens=12]] [[delay=30]]")
        ) as stream:
            for event in read_frames(stream.iter_text()):
                seen.append(event)
                if len(seen) == dropped_after:
                    break
        request_id = seen[0].data["request_id"]

        rest = resumed(other, request_id, seen[-1].id)

        assert [event.id for event in seen + rest] == list(range(len(seen + rest)))
        assert [event.event for event in rest[-2:]] == ["turn_complete", "end"]
        assert rest[-2].data["token"] == text_of(seen + rest)
        assert resumed(other, request_id, -1) == seen + rest


@pytest.mark.requirement("stream.interrupt")
def test_a_turn_is_stopped_through_the_worker_that_does_not_run_it(
    clients: tuple[httpx2.Client, httpx2.Client], stub: StubLLM
) -> None:
    one, other = clients
    stub.clear()
    with one.stream(
        "POST", "/v1/streaming_query", json=ask("x [[tokens=400]] [[delay=50]]")
    ) as stream:
        events = read_frames(stream.iter_text())
        seen = [next(events) for _ in range(4)]
        request_id: str = seen[0].data["request_id"]
        first = interrupted(other, request_id)
        asked = time.monotonic()
        seen += events
        stopped = time.monotonic()

    assert seen[-1].event == "interrupted"
    assert text_of(seen).endswith("\n\n*Response stopped by the user.*")
    assert (first, interrupted(other, request_id)) == (True, False)
    assert stub.wait_for("disconnects", 1) == 1
    assert stopped - asked < 5  # a second, on a machine that has nothing else to do
    assert resumed(other, request_id, -1) == seen


@pytest.mark.requirement("mcp.registered")
def test_a_server_of_tools_serves_and_leaves_either_worker_when_the_answer_says_so(
    clients: tuple[httpx2.Client, httpx2.Client],
) -> None:
    one, other = clients
    question = ask('[[tool=add {"a": 1}]] x')
    with mcp_server("sums") as sums:
        for here, there in ((one, other), (other, one), (one, other)):
            assert there.post("/v1/query", json=question).json()["tool_results"] == []
            server = {"name": "sums", "url": sums.url}
            assert here.post("/v1/mcp-servers", json=server).status_code == 201
            (result,) = there.post("/v1/query", json=question).json()["tool_results"]
            assert result["content"] == "2"
            assert there.get("/v1/mcp-servers").json()["servers"][0]["name"] == "sums"
            assert there.post("/v1/mcp-servers", json=server).status_code == 409
            assert there.delete("/v1/mcp-servers/sums").json()["deleted"] is True
            assert here.get("/v1/tools").json() == {"tools": []}
            assert here.post("/v1/query", json=question).json()["tool_results"] == []


@pytest.mark.requirement("store.crash")
@pytest.mark.requirement("stop.drain")
def test_a_worker_that_dies_is_replaced_and_its_turn_settled_and_the_parent_ends_the_rest(
    pair: Service, clients: tuple[httpx2.Client, httpx2.Client]
) -> None:
    one, other = clients
    seen: list[WireEvent] = []
    dying = worker_behind(pair, one)
    with (
        pytest.raises(httpx2.TransportError),
        one.stream(
            "POST", "/v1/streaming_query", json=ask("x [[tokens=900]] [[delay=20]]")
        ) as stream,
    ):
        for event in read_frames(stream.iter_text()):
            seen.append(event)
            if len(seen) == 30:
                psutil.Process(dying).kill()
    start = seen[0].data
    began = time.monotonic()
    assert answer(other, "go on", start["conversation_id"]) == "You asked: go on"
    assert time.monotonic() - began < LEASE_SECONDS + 10
    rest = resumed(other, start["request_id"], -1)
    assert rest[-1].event == "interrupted"
    assert text_of(seen).startswith(text_of(rest))

    with connected(pair) as (one, other):
        assert dying not in (worker_behind(pair, one), worker_behind(pair, other))
        last = end_during_a_stream(pair, one)
    assert [event.event for event in last[-2:]] == ["turn_complete", "end"]
    assert "Traceback" not in pair.output()


@pytest.mark.requirement("stop.parent")
def test_workers_end_when_their_parent_was_killed(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    with pair_of_workers(tmp_path, model_environment) as service:
        workers = workers_of(service)
        assert len(workers) == 2

        service.kill()

        _, left = psutil.wait_procs(workers, timeout=STOP_SECONDS)
        assert left == []
        assert service.has_logged("worker ended because its parent is gone")


def end_during_a_stream(service: Service, client: httpx2.Client) -> list[WireEvent]:
    """Terminate the parent in the middle of a stream and wait until nobody is left."""
    workers = workers_of(service)
    seen: list[WireEvent] = []
    body = ask("x [[tokens=40]] [[delay=50]]")
    with client.stream("POST", "/v1/streaming_query", json=body) as stream:
        for event in read_frames(stream.iter_text()):
            seen.append(event)
            if len(seen) == 5:
                service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(30) == 0
    assert [worker for worker in workers if worker.is_running()] == []
    with pytest.raises(httpx2.ConnectError), service.client() as late:
        late.get("/liveness")
    return seen
