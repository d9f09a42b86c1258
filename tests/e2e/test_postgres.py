"""Two services on one PostgreSQL database, as two hosts run them."""

import asyncio
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.postgres import Postgres
from tests.support.service import Service, running_service
from tests.support.streams import WireEvent, parse_stream, read_frames, text_of
from tests.support.stub_llm import StubLLM

QUESTIONS = 8
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}

type Pair = tuple[Service, Service]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    model_environment: dict[str, str],
) -> Generator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    config = folder / "postgres.yaml"
    config.write_text(configuration(postgres))
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(
                running_service(folder / name, environment=model_environment, config=config)
            )
            for name in ("one", "two")
        )
        one.wait_until_ready()
        two.wait_until_ready()
        yield one, two


def configuration(postgres: Postgres) -> str:
    server = postgres.settings()
    return (
        "name: one of two\n"
        "service: {host: 127.0.0.1, port: '${env.LIGHTSPEED_PORT}'}\n"
        "llama_stack: {use_as_library_client: true, "
        "library_client_config_path: 'shipped:run.yaml'}\n"
        "user_data_collection: {}\n"
        f"database: {{postgres: {{host: '{server.host}', db: {server.database}, "
        f"user: {server.user}, password: any, namespace: {server.namespace}}}}}\n"
    )


def ask(query: str, **fields: Any) -> dict[str, Any]:
    return {"query": query} | SILENT | fields


def first_events(client: httpx2.Client, query: str, count: int) -> list[WireEvent]:
    """Read some events of a new stream, then hang up."""
    with client.stream("POST", "/v1/streaming_query", json=ask(query)) as answer:
        frames = read_frames(answer.iter_text())
        return [next(frames) for _ in range(count)]


@pytest.mark.requirement("store.postgres")
async def test_questions_to_two_services_run_one_after_another_in_their_conversation(
    pair: Pair, stub: StubLLM
) -> None:
    stub.clear()
    one, two = pair
    async with one.async_client() as first, two.async_client() as second:
        opened = (await first.post("/v1/query", json=ask("question 0"))).json()
        conversation_id = opened["conversation_id"]
        answers = await asyncio.gather(
            *(
                client.post("/v1/query", json=ask(query, conversation_id=conversation_id))
                for number in range(1, QUESTIONS)
                for client, query in [((first, second)[number % 2], f"question {number}")]
            )
        )

    assert [answer.json()["response"] for answer in answers] == [
        f"You asked: question {number}" for number in range(1, QUESTIONS)
    ]
    prompts = [
        [message["content"] for message in request["body"]["messages"] if message["role"] == "user"]
        for request in stub.requests()
    ]
    # In the order in which the model was asked, each prompt is the one before and a question more.
    assert sorted(prompts[-1]) == [f"question {number}" for number in range(QUESTIONS)]
    assert prompts == [prompts[-1][:length] for length in range(1, QUESTIONS + 1)]


@pytest.mark.requirement("store.postgres")
def test_a_stream_resumes_at_the_other_service_while_it_runs(pair: Pair) -> None:
    one, two = pair
    with one.client() as client:
        seen = first_events(client, "x [[tokens=12]] [[delay=40]]", 4)
    with two.client() as client:
        headers = {"Last-Event-ID": str(seen[-1].id)}
        address = f"/v1/streaming_query/{seen[0].data['request_id']}"
        answer = client.get(address, headers=headers)

    rest = parse_stream(answer.text)
    assert [event.id for event in seen + rest] == list(range(len(seen + rest)))
    assert rest[-1].event == "end"
    assert text_of(seen + rest).split() == [f"w{number}" for number in range(12)]


@pytest.mark.requirement("store.postgres")
def test_an_interrupt_at_the_other_service_stops_the_answer(pair: Pair) -> None:
    one, two = pair
    seen: list[WireEvent] = []
    told: list[int] = []
    with (
        one.client() as client,
        two.client() as other,
        client.stream(
            "POST", "/v1/streaming_query", json=ask("x [[tokens=400]] [[delay=50]]")
        ) as answer,
    ):
        for event in read_frames(answer.iter_text()):
            seen.append(event)
            if len(seen) == 8:
                wish = {"request_id": seen[0].data["request_id"]}
                told.append(other.post("/v1/streaming_query/interrupt", json=wish).status_code)

    assert told == [200]
    assert seen[-1].event == "interrupted"
    assert len(text_of(seen).split()) < 400


@pytest.mark.requirement("store.postgres")
def test_a_turn_of_a_killed_service_is_settled_by_the_other(
    tmp_path: Path, postgres: Postgres, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "postgres.yaml"
    config.write_text(configuration(postgres))
    with (
        running_service(tmp_path / "a", environment=model_environment, config=config) as doomed,
        running_service(tmp_path / "b", environment=model_environment, config=config) as other,
    ):
        doomed.wait_until_ready()
        other.wait_until_ready()
        with doomed.client() as client:
            seen = first_events(client, "x [[tokens=400]] [[delay=20]]", 40)
        doomed.kill()
        with other.client() as client:
            answer = client.get(f"/v1/streaming_query/{seen[0].data['request_id']}")

    rest = parse_stream(answer.text)
    assert rest[-1].event == "interrupted"
    assert text_of(rest).startswith("w0 w1 ")
