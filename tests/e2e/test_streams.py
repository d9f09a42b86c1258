"""Streams that lose their client, their process or their patience."""

import signal
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.service import Service, running_service
from tests.support.streams import WireEvent, parse_stream, read_frames, text_of
from tests.support.stub_llm import StubLLM

SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
JOURNAL_BATCH_SECONDS = 0.1
RECOVERY_SECONDS = 30.0


def ask(query: str, **fields: Any) -> dict[str, Any]:
    return {"query": query} | SILENT | fields


def resumed(client: httpx2.Client, request_id: str, last: int | None = None) -> list[WireEvent]:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    answer = client.get(f"/v1/streaming_query/{request_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return parse_stream(answer.text)


def first_events(client: httpx2.Client, body: dict[str, Any], count: int) -> list[WireEvent]:
    """Read some events of a new stream, then hang up."""
    events: list[WireEvent] = []
    with client.stream("POST", "/v1/streaming_query", json=body) as answer:
        for event in read_frames(answer.iter_text()):
            events.append(event)
            if len(events) == count:
                break
    return events


@pytest.mark.requirement("stream.resume")
def test_after_its_end_a_stream_resumes_behind_every_event(service: Service) -> None:
    with service.client() as client:
        answer = client.post("/v1/streaming_query", json=ask("x [[tokens=12]]"))
        whole = parse_stream(answer.text)
        request_id = whole[0].data["request_id"]

        assert resumed(client, request_id) == whole
        for event in whole[:-1]:
            assert resumed(client, request_id, event.id) == whole[event.id + 1 :]
        assert resumed(client, request_id, whole[-1].id + 100) == whole[-1:]


@pytest.mark.requirement("stream.resume")
def test_during_a_turn_a_dropped_stream_resumes_behind_every_event(service: Service) -> None:
    with service.client() as client:
        for dropped_after in range(1, 14):
            body = ask("x [[tokens=12]] [[delay=15]]")
            seen = first_events(client, body, dropped_after)
            request_id = seen[0].data["request_id"]

            rest = resumed(client, request_id, seen[-1].id)

            assert [event.id for event in seen + rest] == list(range(len(seen + rest)))
            assert rest[-1].event == "end"
            assert rest[-2].data["token"] == text_of(seen + rest)


@pytest.mark.requirement("turn.outlives-client")
@pytest.mark.requirement("turn.history")
def test_a_turn_whose_client_went_away_is_part_of_its_conversation(
    service: Service, stub: StubLLM
) -> None:
    with service.client() as client:
        (start,) = first_events(client, ask("first [[tokens=8]] [[delay=20]]"), 1)
        resumed(client, start.data["request_id"])
        stub.clear()
        body = ask("second", conversation_id=start.data["conversation_id"])
        client.post("/v1/query", json=body)

    (request,) = stub.requests()
    question, answer, second = request["body"]["messages"][1:]
    assert question["content"] == "first [[tokens=8]] [[delay=20]]"
    assert answer["content"].split() == [f"w{number}" for number in range(8)]
    assert second["content"] == "second"


@pytest.mark.requirement("stream.resume-refusal")
@pytest.mark.parametrize("last", ["x", "1.5"])
def test_a_last_event_id_that_is_no_number_is_refused(service: Service, last: str) -> None:
    with service.client() as client:
        (start,) = first_events(client, ask("x"), 1)
        address = f"/v1/streaming_query/{start.data['request_id']}"

        assert client.get(address, headers={"Last-Event-ID": last}).status_code == 400
        assert client.get(address, params={"after": last}).status_code == 400


@pytest.mark.requirement("stream.resume-refusal")
def test_a_foreign_stream_is_refused_and_an_unknown_one_not_found(service: Service) -> None:
    with service.client() as client:
        (start,) = first_events(client, ask("x"), 1)
        address = f"/v1/streaming_query/{start.data['request_id']}"

        assert client.get(address, params={"user_id": "mallory"}).status_code == 403
        unknown = "/v1/streaming_query/123e4567-e89b-42d3-a456-426614174000"
        assert client.get(unknown).status_code == 404


@pytest.mark.requirement("stream.interrupt")
def test_an_interrupt_stops_the_model_and_closes_the_stream(
    service: Service, stub: StubLLM
) -> None:
    stub.clear()
    with service.client() as client:
        body = ask("x [[tokens=200]] [[delay=50]]")
        seen: list[WireEvent] = []
        with client.stream("POST", "/v1/streaming_query", json=body) as answer:
            for event in read_frames(answer.iter_text()):
                seen.append(event)
                if len(seen) == 4:
                    wish = client.post(
                        "/v1/streaming_query/interrupt",
                        json={"request_id": seen[0].data["request_id"]},
                    )
                    assert wish.json()["interrupted"] is True
        again = client.post(
            "/v1/streaming_query/interrupt", json={"request_id": seen[0].data["request_id"]}
        )

    assert seen[-1].event == "interrupted"
    assert seen[-1].data["request_id"] == seen[0].data["request_id"]
    assert text_of(seen).endswith("\n\n*Response stopped by the user.*")
    assert stub.wait_for("disconnects", 1) == 1
    assert again.json()["interrupted"] is False


@pytest.mark.requirement("stream.heartbeat")
def test_silence_on_a_stream_is_filled_with_comments(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "impatient.yaml"
    config.write_text(
        "name: impatient\n"
        "service: {host: 127.0.0.1, port: '${env.LIGHTSPEED_PORT}', heartbeat_seconds: 1}\n"
        "llama_stack: {use_as_library_client: true, "
        "library_client_config_path: 'shipped:run.yaml'}\n"
        "user_data_collection: {}\n"
    )
    with running_service(
        tmp_path / "data", environment=model_environment, config=config
    ) as service:
        service.wait_until_ready()
        with service.client() as client:
            answer = client.post("/v1/streaming_query", json=ask("x [[tokens=2]] [[delay=2500]]"))

    comments = [line for line in answer.text.split("\n") if line.startswith(":")]
    assert len(comments) >= 2
    assert text_of(parse_stream(answer.text)).split() == ["w0", "w1"]


@pytest.mark.requirement("store.crash")
def test_a_killed_process_leaves_a_prefix_that_reads_as_interrupted(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    data = tmp_path / "data"
    with running_service(data, environment=model_environment) as service:
        service.wait_until_ready()
        with service.client() as client:
            other = client.post("/v1/query", json=ask("other")).json()
        seen: list[WireEvent] = []
        arrivals: list[float] = []
        killed = 0.0
        with service.client() as client:
            try:
                with client.stream(
                    "POST", "/v1/streaming_query", json=ask("x [[tokens=400]] [[delay=20]]")
                ) as answer:
                    for event in read_frames(answer.iter_text()):
                        seen.append(event)
                        arrivals.append(time.monotonic())
                        if len(seen) == 60:
                            service.kill()
                            killed = time.monotonic()
            except httpx2.TransportError:
                pass
    with running_service(data, environment=model_environment) as service:
        service.wait_until_ready()
        with service.client() as client:
            rest = resumed_until_settled(client, seen[0].data["request_id"])
            again = client.post(
                "/v1/query", json=ask("go on", conversation_id=other["conversation_id"])
            )
            whole = again.json()

    assert rest[-1].event == "interrupted"
    assert text_of(seen).startswith(text_of(rest))
    settled = [
        moment for event, moment in zip(seen, arrivals, strict=True) if event.id in ids(rest)
    ]
    assert killed - settled[-1] <= JOURNAL_BATCH_SECONDS + WRITING_SECONDS
    assert whole["response"] == "You asked: go on"


# How long a slow machine may take to commit a batch that was due.
WRITING_SECONDS = 0.3


def ids(events: list[WireEvent]) -> set[int]:
    return {event.id for event in events if event.event == "token"}


def resumed_until_settled(client: httpx2.Client, request_id: str) -> list[WireEvent]:
    """Resume; the stream ends once the dead worker's lease has run out."""
    answer = client.get(f"/v1/streaming_query/{request_id}", timeout=RECOVERY_SECONDS)
    assert answer.status_code == 200, answer.text
    return parse_stream(answer.text)


@pytest.mark.requirement("stop.drain")
def test_a_terminated_service_ends_its_streams_properly(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    with running_service(tmp_path / "data", environment=model_environment) as service:
        service.wait_until_ready()
        seen: list[WireEvent] = []
        with (
            service.client() as client,
            client.stream(
                "POST", "/v1/streaming_query", json=ask("x [[tokens=40]] [[delay=50]]")
            ) as answer,
        ):
            for event in read_frames(answer.iter_text()):
                seen.append(event)
                if len(seen) == 5:
                    service.process.send_signal(signal.SIGTERM)
        status = service.process.wait(30)

    assert status == -signal.SIGTERM  # uvicorn ends by the signal that it was sent
    assert seen[-1].event == "end"
    assert seen[-2].data["token"] == text_of(seen)


@pytest.mark.requirement("stop.drain")
def test_a_turn_that_outlasts_the_grace_time_is_interrupted_and_kept(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "hasty.yaml"
    config.write_text(
        "name: hasty\n"
        "service: {host: 127.0.0.1, port: '${env.LIGHTSPEED_PORT}', drain_seconds: 1}\n"
        "llama_stack: {use_as_library_client: true, "
        "library_client_config_path: 'shipped:run.yaml'}\n"
        "user_data_collection: {}\n"
    )
    data = tmp_path / "data"
    with running_service(data, environment=model_environment, config=config) as service:
        service.wait_until_ready()
        seen: list[WireEvent] = []
        with (
            service.client() as client,
            client.stream(
                "POST", "/v1/streaming_query", json=ask("x [[tokens=400]] [[delay=50]]")
            ) as answer,
        ):
            for event in read_frames(answer.iter_text()):
                seen.append(event)
                if len(seen) == 5:
                    service.process.send_signal(signal.SIGTERM)
        service.process.wait(30)
    assert seen[-1].event == "interrupted"
    with running_service(data, environment=model_environment, config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            assert resumed(client, seen[0].data["request_id"]) == seen
