"""From an error to a status and a body."""

import logging
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from lightspeed_core import errors
from lightspeed_core.api.errors import ERROR_TABLE, responses, row_of, status_of_code
from lightspeed_core.errors import LightspeedError
from tests.support.asgi import client_of
from tests.support.scripted_assistant import ScriptedAssistant

REFUSALS: list[tuple[LightspeedError, int]] = [
    (errors.MalformedRequest("Invalid ID", "The ID is no ID."), 400),
    (errors.Unauthenticated("No Authorization header found"), 401),
    (errors.Forbidden("No permission", "User u1 may not."), 403),
    (errors.NotFound("model", "gpt"), 404),
    (errors.Conflict("Busy", "Another turn runs."), 409),
    (errors.PromptTooLong("openai/gpt"), 413),
    (errors.InvalidRequest("Invalid attribute value", "Invalid attachment type foo"), 422),
    (errors.QuotaExceeded.of_model("openai/gpt"), 429),
    (errors.EngineFailed("cut"), 500),
    (errors.StoreUnavailable(), 500),
    (errors.InternalError(), 500),
    (errors.ConfigurationError("wrong"), 500),
    (errors.EngineUnavailable("Connection error."), 503),
]


async def ask(app: ASGIApp, path: str = "/v1/query", **headers: str) -> httpx2.Response:
    async with client_of(app) as client:
        return await client.post(path, json={"query": "hi"}, headers=headers)


@pytest.mark.parametrize("path", ["/v1/query", "/v1/streaming_query"])
@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: type(value).__name__)
async def test_a_refusal_is_the_same_status_and_body_on_both_endpoints(
    app: ASGIApp, assistant: ScriptedAssistant, error: LightspeedError, status: int, path: str
) -> None:
    assistant.refusal = error
    answer = await ask(app, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"detail": {"response": error.message, "cause": error.cause}}


@pytest.mark.parametrize(("error", "status"), REFUSALS, ids=lambda value: type(value).__name__)
async def test_a_client_that_accepts_problems_gets_one(
    app: ASGIApp, assistant: ScriptedAssistant, error: LightspeedError, status: int
) -> None:
    assistant.refusal = error
    answer = await ask(app, accept="application/problem+json, application/json;q=0.5")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:lightspeed-stack:error:{error.code}",
        "title": row_of(type(error)).title,
        "status": status,
        "detail": error.cause,
        "response": error.message,
    }


async def test_a_problem_lists_the_faults_of_an_invalid_request(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            "/v1/query", json={}, headers={"accept": "application/problem+json"}
        )
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:lightspeed-stack:error:validation_error"
    assert problem["errors"][0]["loc"] == ["body", "query"]


async def test_an_error_that_says_when_to_come_back_is_rounded_up(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.refusal = errors.EngineUnavailable("starting", retry_after=2.2)
    assert (await ask(app)).headers["retry-after"] == "3"


async def test_a_used_up_quota_always_says_when_to_come_back(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.refusal = errors.QuotaExceeded.of_model("openai/gpt")
    assert int((await ask(app)).headers["retry-after"]) > 0
    assistant.refusal = errors.QuotaExceeded.of_model("openai/gpt", retry_after=0.1)
    assert (await ask(app)).headers["retry-after"] == "1"


async def test_missing_credentials_name_the_scheme(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.refusal = errors.Unauthenticated("No Authorization header found")
    assert (await ask(app)).headers["www-authenticate"] == "Bearer"


async def test_what_nobody_foresaw_is_an_internal_error_that_tells_nothing(
    app: ASGIApp, assistant: ScriptedAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    assistant.refusal = ZeroDivisionError("secret: /etc/passwd")
    answer = await ask(app)
    assert answer.status_code == 500
    assert answer.json() == {
        "detail": {
            "response": "Internal server error",
            "cause": "An unexpected error occurred while processing the request.",
        }
    }
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == "request failed status=500 code=internal_error path=/v1/query"
    assert "secret: /etc/passwd" in caplog.text


async def test_what_breaks_outside_of_a_route_has_the_same_body(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [ZeroDivisionError("secret")]
    async with client_of(app) as client:
        answer = await client.get("/v1/streaming_query/x")
    assert answer.status_code == 500
    assert answer.json()["detail"]["response"] == "Internal server error"


async def test_a_refusal_is_logged_without_a_traceback(
    app: ASGIApp, assistant: ScriptedAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assistant.refusal = errors.NotFound("model", "gpt")
    await ask(app)
    (record,) = [each for each in caplog.records if each.name == "lightspeed_core.api.errors"]
    assert record.getMessage() == "request refused status=404 code=not_found path=/v1/query"
    assert record.exc_info is None


async def test_an_unknown_path_has_the_body_of_every_error(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/nope")
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": {"response": "Not Found", "cause": "The requested path does not exist."}
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("HEAD", "/liveness", "GET"),
        ("PUT", "/v1/query", "POST"),
        ("GET", "/v1/query", "POST"),
        ("OPTIONS", "/v1/feedback/status", "GET, PUT"),
        ("OPTIONS", "/v1/streaming_query/interrupt", "POST"),
        ("GET", "/v1/streaming_query/interrupt", "POST"),
        ("DELETE", "/v1/saved-prompts/config", "GET"),
        ("POST", "/v2/conversations/x", "DELETE, GET, PUT"),
    ],
)
async def test_a_method_that_is_not_served_is_405(
    app: ASGIApp, method: str, path: str, allowed: str
) -> None:
    async with client_of(app) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert answer.json()["detail"]["response"] == "Method Not Allowed"


async def test_a_disallowed_method_can_be_a_problem(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.put("/v1/info", headers={"accept": "application/problem+json"})
    assert answer.json()["type"] == "urn:lightspeed-stack:error:method_not_allowed"


def all_kinds(base: type[LightspeedError] = LightspeedError) -> set[type[LightspeedError]]:
    return {base}.union(*(all_kinds(kind) for kind in base.__subclasses__()))


KINDS = sorted(all_kinds(), key=str)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_row_and_a_description(kind: type[LightspeedError]) -> None:
    row = row_of(kind)
    described: dict[str, Any] = responses(kind)[row.status]
    example = described["content"]["application/json"]["examples"][kind.code]["value"]
    assert example["detail"] == {"response": row.example.message, "cause": row.example.cause}
    assert status_of_code(kind.code) == row.status


def test_errors_of_one_status_are_described_together() -> None:
    described = responses(errors.EngineFailed, errors.StoreUnavailable)
    assert list(described) == [500]
    examples = described[500]["content"]["application/json"]["examples"]
    assert set(examples) == {"engine_failed", "store_unavailable"}


def test_a_class_below_a_known_one_shares_its_row() -> None:
    class Narrower(errors.NotFound):
        pass

    assert row_of(Narrower) is ERROR_TABLE[errors.NotFound]


def test_a_code_from_elsewhere_is_an_internal_error() -> None:
    assert status_of_code("no_such_code") == 500
