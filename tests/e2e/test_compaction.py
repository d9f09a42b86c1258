"""A conversation that outgrows its window, in a started service with two workers."""

from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from tests.support.service import Service, running_service
from tests.support.streams import parse_stream
from tests.support.stub_llm import StubLLM

CONFIG = """\
name: compaction
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}", workers: 2}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
compaction: {enabled: true, token_floor: 200, buffer_turns: 1}
inference: {context_windows: {openai/fake-llm: 1500}}
knowledge: {product_docs: false}
"""
LONG = "word " * 350


@pytest.fixture(scope="module")
def compacting(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("compacting")
    config = folder / "lcs.yaml"
    config.write_text(CONFIG)
    with running_service(folder / "data", environment=model_environment, config=config) as service:
        service.wait_until_ready()
        yield service
        assert service.terminate() == 0


def ask(client: httpx2.Client, query: str, conversation_id: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "query": query,
        "conversation_id": conversation_id,
        "vector_store_ids": [],
        "generate_topic_summary": False,
    }
    answer = client.post("/v1/streaming_query", json=body)
    assert answer.status_code == 200, answer.text
    events = parse_stream(answer.text)
    return {"events": [event.event for event in events], "first": events[0], "last": events[-1]}


def contents(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["body"]["messages"]]


@pytest.mark.requirement("compaction.summary")
def test_a_stream_tells_that_older_turns_are_summarised_and_lists_show_them_all(
    compacting: Service, stub: StubLLM
) -> None:
    with compacting.client() as client:
        first = ask(client, f"[[say=one]] {LONG}")
        conversation_id = first["first"].data["conversation_id"]
        ask(client, f"[[say=two]] {LONG}", conversation_id)
        stub.clear()
        third = ask(client, f"[[say=three]] {LONG}", conversation_id)
        shown = client.get(f"/v1/conversations/{conversation_id}").json()["chat_history"]

    assert first["events"][:2] == ["start", "token"]
    assert third["events"][:3] == ["start", "compaction", "token"]
    assert third["events"][-1] == "end"
    summarised, answered = stub.requests()
    assert "Summarise" in contents(summarised)[0]
    assert contents(answered)[1].startswith("Summary of our conversation so far:")
    assert len(contents(answered)) == 6
    questions = [turn["messages"][0]["content"][:9] for turn in shown]
    assert questions == ["[[say=one", "[[say=two", "[[say=thr"]
    usage = third["last"].data
    assert usage["input_tokens"] > 0
