"""What the contract promises, asked of a running service over a fake model endpoint."""

import re
import uuid
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from tests.support.service import Service
from tests.support.streams import parse_stream, text_of
from tests.support.stub_llm import StubLLM

UNKNOWN_ID = "123e4567-e89b-42d3-a456-426614174000"
ENDPOINTS = ("/v1/query", "/v1/streaming_query")
ANSWER_KEYS = {
    "conversation_id",
    "response",
    "rag_chunks",
    "tool_calls",
    "tool_results",
    "referenced_documents",
    "truncated",
    "input_tokens",
    "output_tokens",
    "available_quotas",
    "citations",
}
WITHOUT_STORE: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}


@pytest.fixture(scope="module")
def client(service: Service) -> Generator[httpx2.Client]:
    with service.client() as client:
        yield client


def problem_of(answer: httpx2.Response) -> tuple[str, str]:
    detail = answer.json()["detail"]
    assert set(detail) == {"response", "cause"}
    return detail["response"], detail["cause"]


@pytest.mark.requirement("page.root")
def test_the_root_is_a_page_that_names_the_service(client: httpx2.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    title = re.search("<title>(.*?)</title>", answer.text, re.DOTALL)
    assert title is not None
    assert "Lightspeed Core Service" in title.group(1)


@pytest.mark.requirement("page.viewers")
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc"])
def test_the_api_describes_itself_with_nothing_from_elsewhere(
    client: httpx2.Client, path: str
) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    if path != "/openapi.json":
        loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", answer.text)
        assert loaded
        assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)]


@pytest.mark.requirement("probe.liveness")
@pytest.mark.parametrize("path", ["/liveness", "/v1/liveness"])
def test_a_running_service_is_alive(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (200, {"alive": True})


@pytest.mark.requirement("probe.readiness")
@pytest.mark.parametrize("path", ["/readiness", "/v1/readiness"])
def test_a_booted_service_is_ready(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True
    assert body["reason"] == "All providers are healthy"
    assert body["providers"] == []


@pytest.mark.requirement("api.info")
def test_info_names_the_service_and_both_versions(client: httpx2.Client) -> None:
    answer = client.get("/v1/info")

    assert answer.status_code == 200
    assert answer.json()["llama_stack_version"] == "0.7.3"
    assert set(answer.json()) == {"name", "service_version", "llama_stack_version"}


@pytest.mark.requirement("api.models")
def test_models_are_listed_for_clients_of_both_kinds(client: httpx2.Client) -> None:
    body = client.get("/v1/models").json()

    (model,) = [each for each in body["models"] if each["identifier"] == "openai/fake-llm"]
    assert model["type"] == "model"
    assert model["model_type"] == model["api_model_type"] == "llm"
    assert "openai/fake-llm" in [each["id"] for each in body["data"]]


@pytest.mark.requirement("api.authorized")
def test_the_caller_is_who_the_parameter_says(client: httpx2.Client) -> None:
    answer = client.post("/authorized", params={"user_id": "test_user"})

    assert answer.status_code == 200
    assert answer.json() == {
        "user_id": "test_user",
        "username": "lightspeed-user",
        "skip_userid_check": True,
    }


@pytest.mark.requirement("api.authorized")
def test_without_the_parameter_the_caller_is_the_default_user(client: httpx2.Client) -> None:
    assert client.post("/authorized").json()["user_id"] == "00000000-0000-0000-0000-000"


@pytest.mark.requirement("api.authorized")
def test_an_empty_user_id_is_refused(client: httpx2.Client) -> None:
    assert client.post("/authorized", params={"user_id": ""}).status_code == 400


@pytest.mark.requirement("query.answer")
def test_a_question_is_answered_with_every_key(client: httpx2.Client) -> None:
    answer = client.post("/v1/query", json={"query": "Say hello"} | WITHOUT_STORE)

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) >= ANSWER_KEYS
    assert body["response"] == "You asked: Say hello"
    assert uuid.UUID(body["conversation_id"]).version == 4


@pytest.mark.requirement("query.form")
def test_a_missing_question_is_named(client: httpx2.Client) -> None:
    answer = client.post("/v1/query", json={"provider": "openai"})

    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {
                "type": "missing",
                "loc": ["body", "query"],
                "msg": "Field required",
                "input": {"provider": "openai"},
            }
        ]
    }


@pytest.mark.requirement("query.form")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "m"}, "Value error, Provider must be specified if model is specified"),
        ({"provider": "p"}, "Value error, Model must be specified if provider is specified"),
        ({"conversation_id": "abc"}, "Value error, Improper conversation ID 'abc'"),
        (
            {"media_type": "text/html"},
            "Value error, media_type must be either 'application/json' or 'text/plain'",
        ),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_malformed_body_is_refused_with_its_reason(
    client: httpx2.Client, endpoint: str, fields: dict[str, str], message: str
) -> None:
    answer = client.post(endpoint, json={"query": "x"} | fields)

    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["msg"] == message


@pytest.mark.requirement("query.form")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_attachment_of_an_unknown_type_is_refused(client: httpx2.Client, endpoint: str) -> None:
    attachment = {"attachment_type": "foo", "content_type": "text/plain", "content": "x"}
    answer = client.post(endpoint, json={"query": "x", "attachments": [attachment]})

    assert answer.status_code == 422
    response, cause = problem_of(answer)
    assert response == "Invalid attribute value"
    assert cause.startswith("Invalid attachment type foo: must be one of ")


@pytest.mark.requirement("query.answer")
@pytest.mark.parametrize("content", ["not JSON", "[]", '{"nobody": 1}', '{"a": {"b": 7}}', "\xff"])
def test_headers_for_mcp_servers_that_make_no_sense_are_ignored(
    client: httpx2.Client, content: str
) -> None:
    headers = {b"MCP-HEADERS": content.encode("latin-1")}
    answer = client.post("/v1/query", json={"query": "hello"} | WITHOUT_STORE, headers=headers)

    assert (answer.status_code, answer.json()["response"]) == (200, "You asked: hello")


@pytest.mark.requirement("query.unknown")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_unknown_model_is_not_found(client: httpx2.Client, endpoint: str) -> None:
    body = {"query": "x", "provider": "openai", "model": "nope"}
    answer = client.post(endpoint, json=body)

    assert answer.status_code == 404
    assert problem_of(answer)[0] == "Model not found"


@pytest.mark.requirement("query.unknown")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_unknown_conversation_is_not_found(client: httpx2.Client, endpoint: str) -> None:
    answer = client.post(endpoint, json={"query": "x", "conversation_id": UNKNOWN_ID})

    assert answer.status_code == 404
    assert problem_of(answer)[0] == "Conversation not found"


@pytest.mark.requirement("query.system-prompt")
@pytest.mark.requirement("turn.history")
def test_the_system_prompt_of_each_turn_rules_it(client: httpx2.Client, stub: StubLLM) -> None:
    first = client.post(
        "/v1/query", json={"query": "one", "system_prompt": "Be a pirate."} | WITHOUT_STORE
    ).json()
    stub.clear()
    client.post(
        "/v1/query",
        json={
            "query": "two",
            "conversation_id": first["conversation_id"],
            "system_prompt": "Be a poet.",
        }
        | WITHOUT_STORE,
    )

    (request,) = stub.requests()
    messages = request["body"]["messages"]
    assert [message["content"] for message in messages] == [
        "Be a poet.",
        "one",
        "You asked: one",
        "two",
    ]


@pytest.mark.requirement("stream.shape")
@pytest.mark.requirement("stream.headers")
def test_a_stream_starts_and_ends_and_its_tokens_make_the_answer(client: httpx2.Client) -> None:
    answer = client.post(
        "/v1/streaming_query", json={"query": "Say hello [[tokens=20]]"} | WITHOUT_STORE
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    events = parse_stream(answer.text)
    assert [event.id for event in events] == list(range(len(events)))
    assert events[0].event == "start"
    assert set(events[0].data) >= {"conversation_id", "request_id"}
    assert events[-1].event == "end"
    assert events[-1].whole["available_quotas"] == {}
    complete = events[-2]
    assert complete.event == "turn_complete"
    assert complete.data["token"] == text_of(events) != ""
    numbers = [event.data["id"] for event in events if event.event in {"token", "turn_complete"}]
    assert numbers == list(range(len(numbers)))


@pytest.mark.requirement("stream.plain")
def test_a_plain_stream_is_the_raw_text(client: httpx2.Client) -> None:
    body = {"query": "Say hello", "media_type": "text/plain"} | WITHOUT_STORE
    answer = client.post("/v1/streaming_query", json=body)

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "You asked: Say hello"


@pytest.mark.requirement("header.request-id")
def test_a_usable_request_id_comes_back_and_is_logged(
    client: httpx2.Client, service: Service
) -> None:
    answer = client.get("/v1/info", headers={"X-Request-ID": "from-the-proxy-17"})

    assert answer.headers["x-request-id"] == "from-the-proxy-17"
    assert service.has_logged("request_id=from-the-proxy-17")


@pytest.mark.requirement("query.form")
def test_malformed_json_names_the_place(client: httpx2.Client) -> None:
    answer = client.post(
        "/v1/query", content=b'{"query": ', headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "json_invalid"


@pytest.mark.requirement("error.shape")
def test_an_unknown_path_and_a_wrong_method_have_the_shape_of_all_errors(
    client: httpx2.Client,
) -> None:
    unknown = client.get("/v1/nope")
    wrong = client.delete("/v1/query")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    problem_of(unknown)
    problem_of(wrong)


@pytest.mark.requirement("error.status")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("directive", "status"),
    [("[[status=429 retry-after=3]]", 429), ("[[context]]", 413), ("[[status=401]]", 503)],
)
def test_what_the_model_refuses_before_the_first_token_is_a_status(
    client: httpx2.Client, endpoint: str, directive: str, status: int
) -> None:
    answer = client.post(endpoint, json={"query": f"x {directive}"} | WITHOUT_STORE)

    assert answer.status_code == status
    problem_of(answer)
    if status == 429:
        assert answer.headers["retry-after"] == "3"


@pytest.mark.requirement("error.in-stream")
def test_a_model_that_is_cut_off_in_mid_stream_is_an_error_event_and_nothing_follows(
    client: httpx2.Client,
) -> None:
    answer = client.post(
        "/v1/streaming_query", json={"query": "x [[tokens=20]] [[cut=5]]"} | WITHOUT_STORE
    )

    events = parse_stream(answer.text)
    assert events[-1].event == "error"
    assert set(events[-1].data) >= {"status_code", "response", "cause"}
    assert text_of(events) != ""
