"""Names the cause of whatever Llama Stack, a provider or a client library raises.

Foreign classes are recognised by package and name along their hierarchy, so that nothing heavy
is imported to recognise them. What a caller reads names no secret and no upstream's account.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from lightspeed_core.errors import (
    Conflict,
    EngineFailed,
    EngineUnavailable,
    InvalidRequest,
    LightspeedError,
    NotFound,
    PromptTooLong,
    QuotaExceeded,
)
from lightspeed_core.observability.secrets import mask_secrets
from lightspeed_stack_providers import failures as upstream

LONGEST_TEXT = 300
_CONTEXT_WORDS = re.compile(
    r"context[ _](length|window|size)|maximum context|prompt is too long|reduce the length",
    re.IGNORECASE,
)
_INNER = re.compile(
    r"Traceback \(most recent|\bFile \"[^\"]+\", line \d"
    r"|(?i:\bselect\s.+\sfrom\s|\binsert\s+into\s|\bupdate\s+\S+\s+set\s|\bdelete\s+from\s)",
    re.DOTALL,
)
_PATH = re.compile(r"(?<![\w/:.])(?:/[\w.@+-]+){2,}/?|\b[A-Za-z]:\\[^\s\"']+")
# Some servers call a request that they cannot serve their own fault.
_IMAGE_STATUSES = {400, 415, 422, 500, 501}
# The last two are what a strict reader of texts says of a message in parts.
_IMAGE_WORDS = re.compile(
    r"image|vision|multi-?modal|modalit|mmproj|content must be a string|unknown variant",
    re.IGNORECASE,
)

type _Cause = Callable[[Exception, str | None], LightspeedError]


@contextmanager
def translated(*, model: str | None = None, has_images: bool = False) -> Generator[None]:
    """Raise errors of the taxonomy in place of foreign ones."""
    try:
        yield
    except LightspeedError:
        raise
    except Exception as exc:
        raise translate(exc, model=model, has_images=has_images) from exc


def translate(
    exc: Exception, *, model: str | None = None, has_images: bool = False
) -> LightspeedError:
    """Name the cause of a foreign exception; `model` is the one that was called.

    `has_images` says that images were sent to it.
    """
    if has_images and _is_about_images(exc, model):
        return InvalidRequest(
            "Images were refused",
            _about(model, f"refused the images of the request: {_text(exc)}"),
        )
    if isinstance(exc, upstream.UpstreamFailure):
        return _of_upstream(exc, model)
    return _of_class(exc, model) or _of_status_code(exc, model) or _of_builtin(exc)


def _of_upstream(exc: upstream.UpstreamFailure, model: str | None) -> LightspeedError:
    match exc:
        case upstream.UpstreamRateLimited(retry_after=retry_after):
            return QuotaExceeded.of_model(model or "", retry_after)
        case upstream.UpstreamContextTooLong():
            return PromptTooLong(model)
        case upstream.UpstreamModelUnknown():
            return _unknown(model, exc)
        case upstream.UpstreamUnauthorized():
            return _unauthorized(model)
        case _:
            return _of_broken_call(exc, model)


def _of_broken_call(exc: upstream.UpstreamFailure, model: str | None) -> LightspeedError:
    if isinstance(exc, upstream.UpstreamUnreachable):
        return _unreachable(model, exc)
    if isinstance(exc, upstream.UpstreamRejected):
        return _of_status(exc.status, exc, model)
    return EngineFailed(_about(model, f"failed: {_text(exc)}"))


def _of_class(exc: Exception, model: str | None) -> LightspeedError | None:
    names = {(cls.__module__.partition(".")[0], cls.__name__) for cls in type(exc).__mro__}
    for known, make in _BY_CLASS:
        if names & known:
            return make(exc, model)
    return None


def _of_status_code(exc: Exception, model: str | None) -> LightspeedError | None:
    # The SDK's and the stack's own errors tell their HTTP status.
    status = getattr(exc, "status_code", None)
    return _of_status(status, exc, model) if isinstance(status, int) else None


def _of_status(status: int, exc: Exception, model: str | None) -> LightspeedError:
    if status == 413 or (status == 400 and _CONTEXT_WORDS.search(str(exc))):
        return PromptTooLong(model)
    if status in {401, 403}:
        return _unauthorized(model)
    if status == 404:
        return _unknown(model, exc)
    if status == 429:
        return QuotaExceeded.of_model(model or "", _retry_after(exc))
    if status == 408 or status >= 500:
        return EngineUnavailable(_about(model, f"answered {status}: {_text(exc)}"))
    return EngineFailed(_about(model, f"answered {status}: {_text(exc)}"))


def _is_about_images(exc: Exception, model: str | None) -> bool:
    if isinstance(exc, upstream.UpstreamFailure) and not isinstance(exc, upstream.UpstreamRejected):
        return False
    status = getattr(exc, "status", None) or getattr(exc, "status_code", None)
    # The name of a model may have such words too.
    name = re.escape((model or "").partition("/")[2])
    text = re.sub(rf"(?<!\w){name}(?!\w)", "", str(exc)) if name else str(exc)
    return (
        status in _IMAGE_STATUSES
        and bool(_IMAGE_WORDS.search(text))
        and not _CONTEXT_WORDS.search(text)
    )


def _of_builtin(exc: Exception) -> LightspeedError:
    match exc:
        case ConnectionError() | TimeoutError():
            return EngineUnavailable(f"Llama Stack cannot be reached: {_text(exc)}")
        case NotImplementedError():
            return InvalidRequest("Not supported", _text(exc))
        case ValueError():
            return EngineFailed(_text(exc))
        case _:
            return EngineFailed(f"Llama Stack failed with {type(exc).__name__}")


def _unknown(model: str | None, exc: Exception) -> LightspeedError:
    return NotFound("model", model) if model else EngineFailed(_text(exc))


def _unauthorized(model: str | None) -> EngineUnavailable:
    return EngineUnavailable(_about(model, "refused the configured credentials"))


def _about(model: str | None, text: str) -> str:
    return f"The endpoint of model {model} {text}" if model else f"Llama Stack {text}"


def _retry_after(exc: Exception) -> float | None:
    given = getattr(exc, "retry_after", None)
    if isinstance(given, int | float):
        return float(given)
    headers: Mapping[str, Any] = getattr(getattr(exc, "response", None), "headers", None) or {}
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None


def _text(exc: Exception) -> str:
    """Return what may be told of a foreign error: no key, path, statement or place in code."""
    text = str(exc)
    if _INNER.search(text):
        return type(exc).__name__
    return _PATH.sub("…", mask_secrets(text))[:LONGEST_TEXT] or type(exc).__name__


def _unreachable(model: str | None, exc: Exception) -> EngineUnavailable:
    return EngineUnavailable(_about(model, f"cannot be reached: {_text(exc)}"))


_BY_CLASS: tuple[tuple[frozenset[tuple[str, str]], _Cause], ...] = (
    (
        frozenset(
            {
                ("openai", "APIConnectionError"),
                ("httpx", "TransportError"),
                ("aiohttp", "ClientConnectionError"),
                ("psycopg2", "OperationalError"),
                ("llama_stack_api", "ServiceNotEnabledError"),
            }
        ),
        lambda exc, model: _unreachable(model, exc),
    ),
    (
        frozenset(
            {
                ("openai", "AuthenticationError"),
                ("openai", "PermissionDeniedError"),
                ("llama_stack", "AuthenticationRequiredError"),
                ("llama_stack_api", "TokenValidationError"),
            }
        ),
        lambda _, model: _unauthorized(model),
    ),
    (
        frozenset({("openai", "RateLimitError")}),
        lambda exc, model: QuotaExceeded.of_model(model or "", _retry_after(exc)),
    ),
    (
        frozenset(
            {
                ("llama_stack_api", "ModelNotFoundError"),
                ("llama_stack_api", "UnsupportedModelError"),
                ("llama_stack_api", "ModelTypeError"),
                ("openai", "NotFoundError"),
            }
        ),
        lambda exc, model: _unknown(model, exc),
    ),
    (
        frozenset({("llama_stack_api", "VectorStoreNotFoundError")}),
        lambda _, __: NotFound("vector store"),
    ),
    (
        frozenset({("llama_stack_api", "ResourceNotFoundError")}),
        lambda _, __: NotFound("resource"),
    ),
    (
        frozenset({("llama_stack_api", "ConflictError")}),
        lambda exc, _: Conflict("Conflict", _text(exc)),
    ),
    (
        frozenset({("llama_stack_api", "InvalidParameterError")}),
        lambda exc, _: InvalidRequest("Invalid request", _text(exc)),
    ),
)
