"""Every foreign exception is named by its cause."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lightspeed_core.engine.llama_stack.failures import translate, translated
from lightspeed_core.errors import (
    EngineFailed,
    EngineUnavailable,
    InvalidRequest,
    LightspeedError,
    NotFound,
    PromptTooLong,
    QuotaExceeded,
)
from lightspeed_stack_providers import failures as upstream


def foreign(module: str, *names: str, **attributes: Any) -> Exception:
    """Make an exception whose class hierarchy is named like a library's, nearest first."""
    base: type[Exception] = Exception
    for name in reversed(names):
        base = cast("type[Exception]", type(name, (base,), {"__module__": module}))
    exc = base("what happened")
    for key, value in attributes.items():
        setattr(exc, key, value)
    return exc


@pytest.mark.parametrize(
    ("exc", "error"),
    [
        (upstream.UpstreamUnreachable("x"), EngineUnavailable),
        (upstream.UpstreamUnauthorized("x"), EngineUnavailable),
        (upstream.UpstreamRateLimited("x"), QuotaExceeded),
        (upstream.UpstreamContextTooLong("x"), PromptTooLong),
        (upstream.UpstreamModelUnknown("x"), NotFound),
        (upstream.UpstreamRejected("x", 400), EngineFailed),
        (upstream.UpstreamRejected("x", 413), PromptTooLong),
        (upstream.UpstreamRejected("x", 503), EngineUnavailable),
        (upstream.UpstreamCut("x"), EngineFailed),
        (upstream.UpstreamGarbage("x"), EngineFailed),
        (foreign("openai", "APITimeoutError", "APIConnectionError"), EngineUnavailable),
        (foreign("openai", "AuthenticationError", status_code=401), EngineUnavailable),
        (foreign("openai", "PermissionDeniedError", status_code=403), EngineUnavailable),
        (foreign("openai", "RateLimitError", status_code=429), QuotaExceeded),
        (foreign("openai", "NotFoundError", status_code=404), NotFound),
        (foreign("openai", "BadRequestError", status_code=400), EngineFailed),
        (foreign("openai", "InternalServerError", status_code=500), EngineUnavailable),
        (foreign("llama_stack_api.common.errors", "ModelNotFoundError"), NotFound),
        (foreign("llama_stack_api.common.errors", "ModelTypeError", status_code=400), NotFound),
        (foreign("llama_stack_api.common.errors", "VectorStoreNotFoundError"), NotFound),
        (foreign("llama_stack_api.common.errors", "ResourceNotFoundError"), NotFound),
        (foreign("llama_stack_api.common.errors", "InvalidParameterError"), InvalidRequest),
        (foreign("llama_stack_api.common.errors", "ServiceNotEnabledError"), EngineUnavailable),
        (
            foreign("llama_stack_api.common.errors", "InternalServerError", status_code=500),
            EngineUnavailable,
        ),
        (foreign("llama_stack.core.datatypes", "AuthenticationRequiredError"), EngineUnavailable),
        (foreign("httpx", "ConnectError", "TransportError"), EngineUnavailable),
        (foreign("aiohttp.client_exceptions", "ClientConnectionError"), EngineUnavailable),
        (foreign("psycopg2", "OperationalError"), EngineUnavailable),
        (ConnectionRefusedError("x"), EngineUnavailable),
        (TimeoutError(), EngineUnavailable),
        (NotImplementedError("no keyword search"), InvalidRequest),
        (ValueError("bad"), EngineFailed),
        (KeyError("secret"), EngineFailed),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_cause_has_one_name(exc: Exception, error: type[LightspeedError]):
    assert type(translate(exc, model="p/m")) is error


def test_a_context_that_is_too_long_is_known_by_its_words():
    exc = foreign("openai", "BadRequestError", status_code=400)
    exc.args = ("Error code: 400 - maximum context length is 4096 tokens",)
    assert isinstance(translate(exc, model="p/m"), PromptTooLong)


IMAGE_REFUSALS = [
    (400, "Invalid content type. image_url is only supported by certain models."),
    (400, "m is not a multimodal model"),
    (400, "At most 0 image(s) may be provided in one request."),
    (400, "'messages.1' : for 'role:user' the content must be a string"),
    (422, "messages[0]: unknown variant `image_url`, expected `text`"),
    (500, "image input is not supported - hint: you may need to provide the mmproj"),
]


@pytest.mark.requirement("query.images")
@pytest.mark.parametrize(("status", "text"), IMAGE_REFUSALS)
def test_refused_images_are_told_where_images_were_sent(status: int, text: str):
    theirs = foreign("openai", "BadRequestError", status_code=status)
    theirs.args = (text,)
    for exc in (upstream.UpstreamRejected(f"{status}: {text}", status), theirs):
        error = translate(exc, model="p/m", has_images=True)
        assert isinstance(error, InvalidRequest)
        assert error.message == "Images were refused"
        assert text in error.cause
        assert not isinstance(translate(exc, model="p/m"), InvalidRequest)


@pytest.mark.parametrize(
    ("exc", "error"),
    [
        (upstream.UpstreamRejected("400: bad temperature", 400), EngineFailed),
        (upstream.UpstreamRejected("500: qwen-vision is overloaded", 500), EngineUnavailable),
        (upstream.UpstreamRejected("429: too many images", 429), QuotaExceeded),
        (upstream.UpstreamContextTooLong("maximum context length, images included"), PromptTooLong),
        (upstream.UpstreamModelUnknown("no model gpt-image"), NotFound),
        (upstream.UpstreamUnreachable("image host is gone"), EngineUnavailable),
    ],
)
def test_other_failures_of_a_request_with_images_keep_their_names(
    exc: Exception, error: type[LightspeedError]
):
    assert type(translate(exc, model="p/qwen-vision", has_images=True)) is error


def test_a_rate_limit_keeps_its_retry_after():
    ours = translate(upstream.UpstreamRateLimited("x", 7.0), model="p/m")
    theirs = foreign(
        "openai", "RateLimitError", response=SimpleNamespace(headers={"retry-after": "9"})
    )
    dated = foreign(
        "openai", "RateLimitError", response=SimpleNamespace(headers={"retry-after": "Mon"})
    )
    assert ours.retry_after == 7.0
    assert translate(theirs, model="p/m").retry_after == 9.0
    assert translate(dated, model="p/m").retry_after is None


def test_refused_credentials_are_told_without_the_upstream_text():
    exc = foreign("openai", "AuthenticationError", status_code=401)
    exc.args = ("Incorrect API key provided: sk-abc",)
    assert "sk-abc" not in str(translate(exc, model="p/m"))


def test_an_unexpected_exception_is_told_by_its_kind_alone():
    assert "secret" not in str(translate(KeyError("secret")))


def test_errors_of_ours_pass_and_others_are_chained():
    with pytest.raises(NotFound), translated():
        raise NotFound("model", "p/m")
    with pytest.raises(EngineFailed) as raised, translated():
        raise ValueError("bad")
    assert isinstance(raised.value.__cause__, ValueError)


@pytest.mark.attack(40)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Incorrect API key provided: sk-proj-abcDEF123456.", "Incorrect API key provided: ***."),
        ("cannot open /var/lib/models/x.gguf", "cannot open …"),
        ("no such file: C:\\models\\x.gguf", "no such file: …"),
        ("near 'x': SELECT secret FROM kvstore WHERE a = 1", "ValueError"),
        ('Traceback (most recent call last):\n  File "/x/y.py", line 3', "ValueError"),
        (
            "see https://platform.example.com/docs/errors",
            "see https://platform.example.com/docs/errors",
        ),
        ("3/4 of the context/window are used", "3/4 of the context/window are used"),
    ],
)
def test_a_caller_is_told_no_key_path_or_statement_of_a_foreign_error(text: str, told: str) -> None:
    assert translate(ValueError(text)).cause == told
