"""The service in the place of the original: with its configuration and over its database."""

import shutil
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.postgres import PostgresSettings
from tests.support.original import Old, Original, Said, an_id, wire
from tests.support.postgres import Postgres
from tests.support.service import Service, free_port, running_service
from tests.support.stub_llm import StubLLM

ANNS = an_id(1)
STACKS = an_id(2)
WITHOUT_TEXTS = an_id(3)
OTHERS = an_id(4)
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
FIRST, SECOND = Said(query="What is OLM?"), Said(query="And a CSV?", seconds=60)
OLDS = [
    Old(conversation_id=ANNS, said=[FIRST, SECOND], topic="Operators"),
    Old(conversation_id=STACKS, said=[Said(query="Why?", seconds=120)], cached_topic="Reasons"),
    Old(conversation_id=WITHOUT_TEXTS, metadata={"message_count": 3}),
    Old(conversation_id=OTHERS, user_id="bob", said=[Said(query="bob's", user_id="bob")]),
]
CONFIGURATION = """
name: Lightspeed Core Service (LCS)
service: {{host: 127.0.0.1, port: {port}, workers: 1, auth_enabled: false, color_log: true,
  access_log: true}}
llama_stack:
  use_as_library_client: true
  library_client_config_path: run.yaml
user_data_collection:
  feedback_enabled: true
  feedback_storage: {folder}/feedback
  transcripts_enabled: true
  transcripts_storage: {folder}/transcripts
authentication: {{module: noop}}
{databases}
"""


def configuration(folder: Path, port: int, databases: str) -> Path:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    shutil.copy(shipped_file("run.yaml"), data / "run.yaml")
    file = data / "lightspeed-stack.yaml"
    file.write_text(CONFIGURATION.format(port=port, folder=folder, databases=databases))
    return file


def client_of(service: Service, user_id: str) -> httpx2.Client:
    client = service.client()
    client.params = httpx2.QueryParams(user_id=user_id)
    return client


async def prove(
    folder: Path,
    databases: str,
    environment: dict[str, str],
    stub: StubLLM,
    metadata: Original,
    cache: Original,
) -> None:
    port = free_port()
    file = configuration(folder, port, databases)
    for _ in range(2):  # the second start finds what the first one left
        with running_service(
            folder / "data", environment=environment, config=file, port=port
        ) as service:
            service.wait_until_ready()
            with client_of(service, "bob") as bob, client_of(service, "ann") as ann:
                see_lists(ann)
                see_turns(ann)
                see_prompts(ann, metadata)
                assert bob.get(f"/v1/conversations/{ANNS}").status_code == 403
                assert [each["conversation_id"] for each in listed(bob, "v1")] == [OTHERS]
            service.terminate()

    with running_service(
        folder / "data", environment=environment, config=file, port=port
    ) as service:
        service.wait_until_ready()
        assert service.output().count("conversations=4 turns=4 skipped=0") == 1
        with client_of(service, "ann") as ann:
            go_on(ann, stub)
            for version, conversation_id in (("v1", ANNS), ("v2", STACKS), ("v2", WITHOUT_TEXTS)):
                answer = ann.delete(f"/{version}/conversations/{conversation_id}")
                assert answer.json()["deleted"], answer.text
            assert listed(ann, "v1") == listed(ann, "v2") == []
    assert await metadata.count("user_conversation") == 1
    assert await metadata.count("user_conversation", id=OTHERS) == 1
    assert await cache.count("cache", conversation_id=OTHERS) == await cache.count("cache") == 1
    assert await cache.count("conversations") == 1


def listed(client: httpx2.Client, version: str) -> list[dict[str, Any]]:
    answer = client.get(f"/{version}/conversations")
    assert answer.status_code == 200, answer.text
    return answer.json()["conversations"]


def see_lists(ann: httpx2.Client) -> None:
    newest_first = [STACKS, ANNS, WITHOUT_TEXTS]
    first = listed(ann, "v1")
    assert [each["conversation_id"] for each in first] == newest_first
    assert [each["message_count"] for each in first] == [1, 2, 3]
    assert [each["topic_summary"] for each in first] == ["Reasons", "Operators", "Old Topic"]
    assert {each["created_at"] for each in first} == {FIRST.at.isoformat()}
    assert first[1]["last_message_at"] == SECOND.at.isoformat()
    assert {(each["last_used_provider"], each["last_used_model"]) for each in first} == {
        ("openai", "fake-llm")
    }
    second = listed(ann, "v2")
    assert [each["conversation_id"] for each in second] == newest_first
    assert second[1]["last_message_timestamp"] == SECOND.at.timestamp()


def see_turns(ann: httpx2.Client) -> None:
    for version in ("v1", "v2"):
        answer = ann.get(f"/{version}/conversations/{ANNS}")
        turns = answer.json()["chat_history"]
        assert [[message["content"] for message in turn["messages"]] for turn in turns] == [
            ["What is OLM?", "Answer to What is OLM?"],
            ["And a CSV?", "Answer to And a CSV?"],
        ]
        assert turns[0]["started_at"] == wire(FIRST.at)
        assert (turns[0]["provider"], turns[0]["model"]) == ("openai", "fake-llm")
        assert ann.get(f"/{version}/conversations/conv_{STACKS}").status_code == 200
        empty = ann.get(f"/{version}/conversations/{WITHOUT_TEXTS}")
        assert empty.json()["chat_history"] == []


def see_prompts(ann: httpx2.Client, original: Original) -> None:
    expected = [("Greeting", "Content of Greeting")] if original.shape == "newer" else []
    prompts = ann.get("/v1/saved-prompts").json()["prompts"]
    assert [(each["name"], each["content"]) for each in prompts] == expected


def go_on(ann: httpx2.Client, stub: StubLLM) -> None:
    stub.clear()
    body = {"query": "And a bundle?", "conversation_id": ANNS} | SILENT
    answer = ann.post("/v1/query", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["conversation_id"] == ANNS
    (request,) = stub.requests()
    sent = [message["content"] for message in request["body"]["messages"]]
    assert sent[-5:] == [
        "What is OLM?",
        "Answer to What is OLM?",
        "And a CSV?",
        "Answer to And a CSV?",
        "And a bundle?",
    ]
    entry = next(each for each in listed(ann, "v1") if each["conversation_id"] == ANNS)
    assert entry["message_count"] == 3


@pytest.mark.requirement("takeover.database")
async def test_files_of_the_original_are_taken_over(
    tmp_path: Path, model_environment: dict[str, str], stub: StubLLM
) -> None:
    metadata = Original(SqliteSettings(path=tmp_path / "lightspeed-stack.db"), shape="older")
    cache = Original(SqliteSettings(path=tmp_path / "conversation_cache.sqlite"), shape="older")
    await metadata.create(cache=False)
    await metadata.add(*OLDS, cache=False)
    await cache.create(metadata=False)
    await cache.add(*OLDS, metadata=False)
    databases = (
        f"database: {{sqlite: {{db_path: {tmp_path}/lightspeed-stack.db}}}}\n"
        "conversation_cache:\n"
        "  type: sqlite\n"
        f"  sqlite: {{db_path: {tmp_path}/conversation_cache.sqlite}}\n"
    )

    await prove(tmp_path, databases, model_environment, stub, metadata, cache)


@pytest.mark.requirement("takeover.database")
async def test_a_server_of_the_original_is_taken_over(
    tmp_path: Path, model_environment: dict[str, str], stub: StubLLM, postgres: Postgres
) -> None:
    server = postgres.settings()
    assert isinstance(server, PostgresSettings)
    original = Original(server, schema=server.namespace)
    await original.create()
    await original.add(*OLDS)
    await original.add_prompt("5f0c8a52-0c3b-4b58-8d0b-0f6a5d2f7a10", "Greeting")
    block = (
        f"{{host: '{server.host}', db: {server.database}, user: {server.user}, "
        f"password: any, namespace: {server.namespace}}}"
    )
    databases = (
        f"database: {{postgres: {block}}}\n"
        f"conversation_cache: {{type: postgres, postgres: {block}}}\n"
    )

    await prove(tmp_path, databases, model_environment, stub, original, original)
