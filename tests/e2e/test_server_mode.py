"""Over a Llama Stack server: every endpoint, a server that goes, and one that comes late."""

import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from lightspeed_core.config.shipped import shipped_root
from lightspeed_core.db.connect import SqliteSettings
from tests.support.collecting import database_section
from tests.support.operations import (
    REQUESTS,
    UNKNOWN_ID,
    WITHOUT_STORE,
    check_operation,
    ids_for,
    operations_of,
)
from tests.support.service import Service, free_port, running_service
from tests.support.stack_server import Relay, StackServer, relay_to, running_stack
from tests.support.streams import parse_stream, read_frames, text_of
from tests.support.stub_llm import StubLLM

API_KEY = "key-of-the-stack"
QUESTION = "Which environment variable changes the port on which the service listens?"
ENDPOINTS = ("/v1/query", "/v1/streaming_query")
UNREACHABLE = "Unable to connect to Llama Stack"
BOUND_SECONDS = 60


def database_of(folder: Path) -> SqliteSettings:
    return SqliteSettings(path=folder / "service.db")


def written(folder: Path, url: str, *, degraded: bool = False, docs: bool = False) -> Path:
    configuration = {
        "name": "server mode",
        "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
        "llama_stack": {
            "use_as_library_client": False,
            "url": url,
            "api_key": API_KEY,
            "max_retries": 1,
            "retry_delay": 1,
            "allow_degraded_mode": degraded,
        },
        "user_data_collection": {
            "feedback_enabled": True,
            "feedback_storage": str(folder / "feedback"),
        },
        "knowledge": {"product_docs": docs},
        "database": database_section(database_of(folder)),
    }
    file = folder / "lcs.yaml"
    file.write_text(yaml.safe_dump(configuration))
    return file


def eventually[T](ask: Callable[[], T], holds: Callable[[T], bool]) -> T:
    """Ask until the answer holds, and return it."""
    until = time.monotonic() + BOUND_SECONDS
    while not holds(answer := ask()):
        assert time.monotonic() < until, answer
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str]
) -> Generator[StackServer]:
    data = tmp_path_factory.mktemp("stack") / "data"
    with running_stack(data, environment=model_environment) as started:
        yield started


@pytest.fixture(scope="module")
def relay(stack: StackServer) -> Generator[Relay]:
    with relay_to(stack.port) as opened:
        yield opened


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory, relay: Relay) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("remote")
    config = written(folder, relay.url, docs=True)
    with running_service(folder / "data", config=config) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture(scope="module")
def client(remote: Service) -> Generator[httpx2.Client]:
    with remote.client() as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx2.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def ids(client: httpx2.Client, remote: Service) -> dict[str, str]:
    return ids_for(client, database_of(remote.log.parent))


@pytest.fixture
def server_gone(relay: Relay) -> Generator[None]:
    relay.cut()
    yield
    relay.open()


def test_every_operation_is_asked(document: dict[str, Any]) -> None:
    assert operations_of(document) == REQUESTS.keys()


@pytest.mark.requirement("stack.server")
@pytest.mark.requirement("api.description")
@pytest.mark.parametrize("operation", REQUESTS)
def test_every_operation_answers_as_it_is_described(
    client: httpx2.Client, document: dict[str, Any], ids: dict[str, str], operation: str
) -> None:
    check_operation(client, document, ids, operation)


@pytest.mark.requirement("stack.server")
def test_the_service_is_ready_when_all_providers_of_the_server_are(client: httpx2.Client) -> None:
    for path in ("/readiness", "/v1/readiness"):
        body = client.get(path).json()
        assert (body["ready"], body["reason"], body["providers"]) == (
            True,
            "All providers are healthy",
            [],
        )


@pytest.mark.requirement("api.info")
def test_info_names_the_version_of_the_server(client: httpx2.Client) -> None:
    body = client.get("/v1/info").json()

    assert set(body) == {"name", "service_version", "llama_stack_version"}
    assert body["llama_stack_version"] == "0.7.3"


@pytest.mark.requirement("api.models")
def test_models_of_the_server_are_listed_for_clients_of_both_kinds(client: httpx2.Client) -> None:
    body = client.get("/v1/models").json()

    (model,) = [each for each in body["models"] if each["identifier"] == "openai/fake-llm"]
    assert model["type"] == "model"
    assert model["model_type"] == model["api_model_type"] == "llm"
    assert {each["id"] for each in body["data"]} == {each["identifier"] for each in body["models"]}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("fields", "response"),
    [
        ({"provider": "openai", "model": "nope"}, "Model not found"),
        ({"conversation_id": UNKNOWN_ID}, "Conversation not found"),
    ],
)
def test_what_does_not_exist_is_not_found(
    client: httpx2.Client, endpoint: str, fields: dict[str, str], response: str
) -> None:
    answer = client.post(endpoint, json={"query": "x"} | fields)

    assert answer.status_code == 404
    detail = answer.json()["detail"]
    assert set(detail) == {"response", "cause"}
    assert detail["response"] == response


def test_what_the_server_does_not_list_is_not_found(client: httpx2.Client) -> None:
    for path in ("/v1/providers/nope", "/v1/rags/nope"):
        assert client.get(path).status_code == 404


@pytest.mark.requirement("metrics.scrape")
def test_metrics_name_the_models_of_the_server(client: httpx2.Client) -> None:
    text = client.get("/metrics").text

    assert 'ls_provider_model_configuration{model="openai/fake-llm",provider="openai"} 1.0' in text
    assert "ls_started_in_degraded_mode 0.0" in text


def test_a_stream_is_numbered_and_its_tokens_make_the_answer(client: httpx2.Client) -> None:
    answer = client.post("/v1/streaming_query", json={"query": "x [[tokens=20]]"} | WITHOUT_STORE)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = parse_stream(answer.text)
    assert [event.id for event in events] == list(range(len(events)))
    assert (events[0].event, events[-1].event) == ("start", "end")
    assert events[-2].event == "turn_complete"
    assert events[-2].data["token"] == text_of(events) == "".join(f"w{i} " for i in range(20))


def test_a_plain_stream_is_the_raw_text(client: httpx2.Client) -> None:
    body = {"query": "Say hello", "media_type": "text/plain"} | WITHOUT_STORE
    answer = client.post("/v1/streaming_query", json=body)

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "You asked: Say hello"


def test_tokens_come_while_the_model_of_the_server_still_writes(
    client: httpx2.Client, stub: StubLLM
) -> None:
    body = {"query": "x [[tokens=20]] [[delay=100]]"} | WITHOUT_STORE
    stub.clear()
    with client.stream("POST", "/v1/streaming_query", json=body) as answer:
        for event in read_frames(answer.iter_text()):
            if event.event == "token":
                break
        still_written = stub.stats().get("streams", 0) == 0

    assert still_written


@pytest.mark.requirement("stack.server")
@pytest.mark.requirement("citation.exact")
def test_an_answer_cites_the_documents_that_the_service_put_into_the_server(
    client: httpx2.Client, remote: Service
) -> None:
    eventually(remote.output, lambda log: "document stored document_id=README.md" in log)
    body = {"query": QUESTION, "provider": "extractive", "model": "quote"}

    answer = client.post("/v1/query", json=body | {"generate_topic_summary": False}).json()

    assert "LIGHTSPEED_PORT" in answer["response"]
    assert answer["rag_chunks"]
    assert answer["citations"]
    for citation in answer["citations"]:
        assert citation["marker"] in answer["response"]
        source = (shipped_root() / citation["document_id"]).read_text()
        assert source[citation["start"] : citation["end"]] == citation["quote"]


def test_the_passages_reach_the_model_of_the_server(
    client: httpx2.Client, remote: Service, stub: StubLLM
) -> None:
    eventually(remote.output, lambda log: "document stored document_id=README.md" in log)
    stub.clear()

    answer = client.post(
        "/v1/query", json={"query": QUESTION, "generate_topic_summary": False}
    ).json()

    (request,) = stub.requests()
    assert answer["rag_chunks"]
    for chunk in answer["rag_chunks"]:
        assert json.dumps(chunk["content"])[1:-1] in json.dumps(request["body"]["messages"])


def test_every_request_to_the_server_carries_the_key_and_no_log_does(
    client: httpx2.Client, remote: Service, relay: Relay
) -> None:
    client.get("/v1/models", headers={"Authorization": "Bearer key-of-the-caller"})

    heads = [head.casefold() for head in relay.request_heads()]
    assert [head for head in heads if head.startswith("get /v1/models ")]
    assert [head for head in heads if f"\r\nauthorization: bearer {API_KEY}\r\n" not in head] == []
    assert API_KEY not in remote.output()


@pytest.mark.requirement("probe.liveness")
@pytest.mark.requirement("probe.readiness")
@pytest.mark.usefixtures("server_gone")
def test_a_service_whose_server_is_gone_is_alive_and_not_ready(client: httpx2.Client) -> None:
    for path in ("/liveness", "/v1/liveness"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"alive": True})
    for path in ("/readiness", "/v1/readiness"):
        answer = eventually(lambda path=path: client.get(path), lambda got: got.status_code == 503)
        body = answer.json()
        assert (body["ready"], body["providers"]) == (False, [])
        assert body["reason"] == "Cannot connect to backend service"


@pytest.mark.usefixtures("server_gone")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/info",
        "/v1/models",
        "/v1/shields",
        "/v1/tools",
        "/v1/providers",
        "/v1/providers/openai",
        "/v1/rags",
        "/v1/rags/product-docs",
    ],
)
def test_what_only_the_server_knows_is_unavailable_without_it(
    client: httpx2.Client, path: str
) -> None:
    check_unreachable(client.get(path))


@pytest.mark.requirement("error.status")
@pytest.mark.usefixtures("server_gone")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("fields", [{}, WITHOUT_STORE, {"media_type": "text/plain"}])
def test_a_question_is_refused_as_json_without_the_server(
    client: httpx2.Client, endpoint: str, fields: dict[str, Any]
) -> None:
    check_unreachable(client.post(endpoint, json={"query": "x"} | fields))


@pytest.mark.requirement("stack.server")
def test_the_service_goes_on_when_the_server_is_back(client: httpx2.Client, relay: Relay) -> None:
    relay.cut()
    check_unreachable(client.get("/v1/models"))
    relay.open()

    assert client.post("/v1/query", json={"query": "x"} | WITHOUT_STORE).status_code == 200
    eventually(lambda: client.get("/readiness").status_code, lambda status: status == 200)


@pytest.mark.requirement("start.refusal")
def test_a_server_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    with running_service(tmp_path / "data", config=written(tmp_path, url)) as service:
        exit_code = service.process.wait(BOUND_SECONDS)

    assert exit_code == 1
    assert "engine did not start" in service.output()
    assert UNREACHABLE in service.output()
    assert url in service.output()
    assert "Traceback" not in service.output()


@pytest.mark.requirement("engine.degraded")
def test_a_degraded_service_is_whole_when_its_server_comes_and_survives_its_end(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    port = free_port()
    config = written(tmp_path, f"http://127.0.0.1:{port}", degraded=True, docs=True)
    with (
        running_service(tmp_path / "data", config=config) as service,
        service.client() as client,
    ):
        service.wait_until_ready()
        check_degraded(client)
        with running_stack(tmp_path / "stack", environment=model_environment, port=port) as stack:
            eventually(
                lambda: client.get("/readiness").json()["reason"],
                lambda reason: reason == "All providers are healthy",
            )
            answer = client.post("/v1/query", json={"query": "hello"} | WITHOUT_STORE)
            assert answer.json()["response"] == "You asked: hello"
            eventually(service.output, lambda log: "document stored" in log)
            stack.kill()
        check_unreachable(client.get("/v1/info"))
        gone = eventually(lambda: client.get("/readiness"), lambda got: got.status_code == 503)
        assert gone.json()["reason"] == "Cannot connect to backend service"
        assert client.get("/liveness").status_code == 200


def check_unreachable(answer: httpx2.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    detail = answer.json()["detail"]
    assert set(detail) == {"response", "cause"}
    assert detail["response"] == UNREACHABLE
    assert detail["cause"]


def check_degraded(client: httpx2.Client) -> None:
    answer = client.get("/readiness")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "reason": "Service running in degraded mode",
        "overall_status": "degraded",
        "impacts": [
            "LLM inference unavailable",
            "RAG functionality unavailable",
            "Agent tools unavailable",
        ],
        "providers": [],
    }
    assert client.get("/liveness").status_code == 200
    assert "ls_started_in_degraded_mode 1.0" in client.get("/metrics").text
    check_unreachable(client.get("/v1/info"))
    check_unreachable(client.get("/v1/models"))
    for endpoint in ENDPOINTS:
        check_unreachable(client.post(endpoint, json={"query": "x"} | WITHOUT_STORE))
