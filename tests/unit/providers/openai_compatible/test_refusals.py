import time
from email.utils import formatdate

import orjson
import pytest

from lightspeed_stack_providers.failures import (
    UpstreamContextTooLong,
    UpstreamFailure,
    UpstreamModelUnknown,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from lightspeed_stack_providers.openai_compatible.refusals import (
    read_refusal,
    read_retry_after,
    refusal_of,
)

OPENAI_CONTEXT = {
    "error": {
        "message": "This model's maximum context length is 8192 tokens. However, ...",
        "code": "context_length_exceeded",
    }
}
VLLM_CONTEXT = {
    "object": "error",
    "message": "This model's maximum context length is 2048 tokens. However, you requested ...",
    "code": 400,
}
GEMINI_CONTEXT = [
    {"error": {"code": 400, "message": "The input token count (9) exceeds the maximum number (8)"}}
]
LLAMA_CPP_CONTEXT = {
    "error": {"code": 400, "message": "too big", "type": "exceed_context_size_error"}
}
OLLAMA_MODEL = {"error": {"message": 'model "x" not found, try pulling it first'}}
VLLM_MODEL = {"object": "error", "message": "The model `x` does not exist.", "code": 404}
GEMINI_KEY = [{"error": {"code": 400, "message": "API key not valid. Please pass a valid key."}}]
VERTEX_LIMIT = {"error": {"message": "429 RESOURCE_EXHAUSTED: quota"}}
GROQ_LIMIT = {"error": {"message": "Request too large", "code": "rate_limit_exceeded"}}


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, OPENAI_CONTEXT, UpstreamContextTooLong),
        (400, VLLM_CONTEXT, UpstreamContextTooLong),
        (400, GEMINI_CONTEXT, UpstreamContextTooLong),
        (400, LLAMA_CPP_CONTEXT, UpstreamContextTooLong),
        (404, OLLAMA_MODEL, UpstreamModelUnknown),
        (404, VLLM_MODEL, UpstreamModelUnknown),
        (404, {"error": {"message": "?", "code": "DeploymentNotFound"}}, UpstreamModelUnknown),
        (401, {"error": {"message": "no"}}, UpstreamUnauthorized),
        (403, {"detail": "no"}, UpstreamUnauthorized),
        (400, GEMINI_KEY, UpstreamUnauthorized),
        (429, {}, UpstreamRateLimited),
        (500, VERTEX_LIMIT, UpstreamRateLimited),
        (413, GROQ_LIMIT, UpstreamRateLimited),
        (400, {"error": {"message": "temperature must be positive"}}, UpstreamRejected),
        (500, {"error": "boom"}, UpstreamRejected),
    ],
)
def test_a_refusal_is_named_by_its_cause(
    status: int, body: object, cause: type[UpstreamFailure]
) -> None:
    assert type(read_refusal(status, {}, orjson.dumps(body)).failure()) is cause


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<h1>Bad gateway</h1>", "502: <h1>Bad gateway</h1>"),
        (b"", "502: "),
        (b"\xff", "502: \ufffd"),
        (b'["odd"]', "502: odd"),
        (b'{"error": "plain"}', "502: plain"),
        (b'{"detail": [{"loc": ["body"]}]}', "502: [{'loc': ['body']}]"),
        (b'{"odd": 1}', '502: {"odd":1}'),
    ],
)
def test_any_body_of_a_refusal_becomes_text(body: bytes, text: str) -> None:
    assert str(read_refusal(502, {}, body).failure()) == text


def test_a_long_refusal_is_shortened() -> None:
    assert len(str(read_refusal(500, {}, b"x" * 10_000).failure())) < 600


def test_a_wrong_path_comes_with_advice() -> None:
    failure = read_refusal(404, {}, b"404 page not found").failure()
    assert isinstance(failure, UpstreamRejected)
    assert "/v1" in str(failure)


def test_an_error_inside_a_stream_keeps_its_number_as_status() -> None:
    failure = refusal_of({"error": {"code": 400, "message": "bad grammar"}}).failure()
    assert isinstance(failure, UpstreamRejected)
    assert failure.status == 400


def test_an_error_inside_a_stream_is_named_by_its_cause() -> None:
    limited = refusal_of({"error": {"code": "rate_limit_exceeded", "message": "slow"}})
    assert isinstance(limited.failure(), UpstreamRateLimited)
    unknown = refusal_of({"error": {"type": "server_error", "message": "oops"}}).failure()
    assert isinstance(unknown, UpstreamRejected)
    assert unknown.status == 500


def test_a_used_up_quota_is_hopeless() -> None:
    body = b'{"error": {"code": "insufficient_quota", "message": "pay"}}'
    refusal = read_refusal(429, {}, body)
    assert refusal.is_hopeless
    assert isinstance(refusal.failure(), UpstreamRateLimited)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": formatdate(time.time() - 60, usegmt=True)}, 0.0),
    ],
)
def test_retry_after_is_read_in_all_its_spellings(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_retry_after(headers) == seconds


def test_retry_after_as_a_date_becomes_seconds() -> None:
    seconds = read_retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert seconds is not None
    assert 55 < seconds <= 60


def test_a_rate_limit_tells_how_long_to_wait() -> None:
    failure = read_refusal(429, {"retry-after": "7"}, b"").failure()
    assert isinstance(failure, UpstreamRateLimited)
    assert failure.retry_after == 7
