"""Errors on the wire: the one table from cause to status, and the one renderer of bodies.

The framework's own errors (404, 405, validation) pass through the same renderer. It knows no
route.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException  # noqa: TID251 # rendered here, raised nowhere
from starlette.routing import Route

from lightspeed_core import errors
from lightspeed_core.api.methods import allowed_methods, shadowed_methods
from lightspeed_core.api.schemas.errors import ErrorBody, Problem, ValidationErrorBody
from lightspeed_core.errors import InternalError, LightspeedError

logger = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 60
"""Sent with a 429 whose cause did not say when to come back."""

_MOST_FAULTS: Final = 100
_LARGEST_REPEATED_BYTES: Final = 65_536
# Their bodies are not read to the end, so that the connection cannot serve another request.
_CLOSING: Final = (errors.BodyTooLarge, errors.RequestTooSlow, errors.UnsupportedMedia)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How a class of errors looks on the wire."""

    status: int
    title: str
    example: LightspeedError


ERROR_TABLE: Final[Mapping[type[LightspeedError], ErrorRow]] = MappingProxyType(
    {
        errors.MalformedRequest: ErrorRow(
            400,
            "Malformed request",
            errors.MalformedRequest("Invalid user ID", "user_id cannot be empty"),
        ),
        errors.RequestTooSlow: ErrorRow(
            408,
            "Request timeout",
            errors.RequestTooSlow("The body of the request took too long to arrive."),
        ),
        errors.HeadTooLarge: ErrorRow(
            431,
            "Request header fields too large",
            errors.HeadTooLarge("A request may have at most 100 headers."),
        ),
        errors.Unauthenticated: ErrorRow(
            401, "Unauthenticated", errors.Unauthenticated("No Authorization header found")
        ),
        errors.ToolAuthRequired: ErrorRow(
            401,
            "Tool credentials required",
            errors.ToolAuthRequired("https://mcp.example.com/mcp"),
        ),
        errors.Forbidden: ErrorRow(
            403,
            "Forbidden",
            errors.Forbidden(
                "User does not have permission to access this endpoint",
                "User 6789 is not authorized to access this endpoint.",
            ),
        ),
        errors.NotFound: ErrorRow(404, "Not found", errors.NotFound("model", "gpt-4-turbo")),
        errors.Conflict: ErrorRow(
            409,
            "Conflict",
            errors.Conflict(
                "Conversation is busy", "An earlier turn of the conversation is still running."
            ),
        ),
        errors.PromptTooLong: ErrorRow(
            413, "Prompt too long", errors.PromptTooLong("openai/gpt-4-turbo")
        ),
        errors.BodyTooLarge: ErrorRow(413, "Body too large", errors.BodyTooLarge(201326592)),
        errors.FileTooLarge: ErrorRow(
            413, "File too large", errors.FileTooLarge(104857601, 104857600)
        ),
        errors.UnsupportedMedia: ErrorRow(
            415,
            "Unsupported media type",
            errors.UnsupportedMedia("The body is text/plain; send application/json."),
        ),
        errors.Misdirected: ErrorRow(
            421,
            "Misdirected request",
            errors.Misdirected("Host evil.example is not in service.allowed_hosts."),
        ),
        errors.InvalidRequest: ErrorRow(
            422,
            "Invalid request",
            errors.InvalidRequest(
                "Invalid attribute value", "Invalid attachment type foo: must be one of ..."
            ),
        ),
        errors.UnreadableFile: ErrorRow(
            422,
            "File could not be read",
            errors.UnreadableFile("manual.pdf", "is encrypted; save it without a password"),
        ),
        errors.QuotaExceeded: ErrorRow(
            429, "Quota exceeded", errors.QuotaExceeded.of_model("openai/gpt-4-turbo")
        ),
        errors.EngineFailed: ErrorRow(
            500, "Engine failed", errors.EngineFailed("The model's answer broke off.")
        ),
        errors.StoreUnavailable: ErrorRow(500, "Store unavailable", errors.StoreUnavailable()),
        errors.EngineUnavailable: ErrorRow(
            503, "Engine unavailable", errors.EngineUnavailable("Connection error.")
        ),
        errors.AuthenticationUnavailable: ErrorRow(
            503,
            "Authentication unavailable",
            errors.AuthenticationUnavailable(
                "The key server did not answer.", backend="authentication key server"
            ),
        ),
        errors.Overloaded: ErrorRow(
            503,
            "Overloaded",
            errors.Overloaded("As many questions are answered as can be at once.", retry_after=1),
        ),
        errors.StorageFailed: ErrorRow(
            507,
            "Storage failed",
            errors.StorageFailed(
                "Failed to store feedback", "The file of the feedback could not be written."
            ),
        ),
        errors.NotReady: ErrorRow(
            503,
            "Not ready",
            errors.NotReady(
                "Conversations of an earlier service are being imported", retry_after=5
            ),
        ),
        # Whatever has no row of its own is a fault of ours.
        LightspeedError: ErrorRow(500, "Internal error", InternalError()),
    }
)

_STATUS_OF_CODE: Final[Mapping[str, int]] = MappingProxyType(
    {kind.code: row.status for kind, row in ERROR_TABLE.items()}
)

_FRAMEWORK_CAUSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        404: "The requested path does not exist.",
        405: "The requested path does not serve this method.",
    }
)


CALLER_ERRORS: Final = (
    errors.MalformedRequest,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.InternalError,
    errors.AuthenticationUnavailable,
    errors.NotReady,
)
"""What every guarded route may answer."""

ENGINE_ERRORS: Final = (*CALLER_ERRORS, errors.EngineUnavailable)
"""The same for a route that asks the engine."""

RENDERED: Final[tuple[type[Exception], ...]] = (
    LightspeedError,
    RequestValidationError,
    HTTPException,
)
"""Everything that an error body can be made of; whatever else is raised is a fault of ours."""


def row_of(kind: type[LightspeedError]) -> ErrorRow:
    """Find the row of an error class, or of the nearest class above it."""
    return next(ERROR_TABLE[base] for base in kind.__mro__ if base in ERROR_TABLE)


def status_of_code(code: str) -> int:
    """Return the HTTP status of a stored error code; 500 for an unknown one."""
    return _STATUS_OF_CODE.get(code, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An error, ready to be put in either body."""

    status: int
    title: str
    code: str
    detail: Mapping[str, str] | list[Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def _of_ours(error: LightspeedError) -> _Answer:
    row = row_of(type(error))
    headers: dict[str, str] = {}
    retry_after = error.retry_after
    if retry_after is None and row.status == HTTPStatus.TOO_MANY_REQUESTS:
        retry_after = RETRY_AFTER_SECONDS
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if row.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, _CLOSING):
        headers["Connection"] = "close"
    return _Answer(
        status=row.status,
        title=row.title,
        code=error.code,
        detail={"response": error.message, "cause": error.cause},
        headers=headers,
    )


def _challenge(error: LightspeedError) -> str:
    """Return how to authenticate: what a server of tools asks for, or what this service does."""
    theirs = error.challenge if isinstance(error, errors.ToolAuthRequired) else None
    return theirs or "Bearer"


def _of_validation(error: RequestValidationError, body_bytes: int) -> _Answer:
    faults: list[dict[str, Any]] = [*error.errors()[:_MOST_FAULTS]]
    if body_bytes > _LARGEST_REPEATED_BYTES:
        # A fault repeats what it is about, and a large body could be repeated many times.
        faults = [{**fault, "input": None} for fault in faults]
    # Bytes come from a body that is not declared as JSON; they need not be text.
    entries: list[Any] = jsonable_encoder(
        faults, custom_encoder={bytes: lambda body: body.decode(errors="replace")}
    )
    return _Answer(
        status=422, title="Request is not valid", code="validation_error", detail=entries
    )


def _of_framework(error: HTTPException) -> _Answer:
    phrase = HTTPStatus(error.status_code).phrase
    return _Answer(
        status=error.status_code,
        title=phrase,
        code=phrase.lower().replace(" ", "_"),
        detail={
            "response": phrase,
            "cause": _FRAMEWORK_CAUSES.get(error.status_code, str(error.detail)),
        },
        headers=error.headers or {},
    )


def _answer(error: Exception, body_bytes: int = 0) -> _Answer:
    match error:
        case LightspeedError():
            return _of_ours(error)
        case RequestValidationError():
            return _of_validation(error, body_bytes)
        case HTTPException():
            return _of_framework(error)
        case _:
            return _of_ours(InternalError())


def _problem(answer: _Answer) -> dict[str, Any]:
    """Put an error in the form of RFC 9457."""
    problem: dict[str, Any] = {
        "type": f"urn:lightspeed-stack:error:{answer.code}",
        "title": answer.title,
        "status": answer.status,
    }
    if isinstance(answer.detail, list):
        return {**problem, "detail": "The request is not valid.", "errors": answer.detail}
    return {**problem, "detail": answer.detail["cause"], "response": answer.detail["response"]}


async def render_error(request: Request, error: Exception) -> Response:
    """Answer an error of any kind, in the form that the client accepts."""
    answer = _answer(error, getattr(request.state, "body_bytes", 0))
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        answer = replace(answer, headers={"Allow": ", ".join(allowed_methods(request))})
    path = request.scope["path"]
    request.state.error_code = answer.code
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error(
            "request failed status=%d code=%s path=%s",
            answer.status,
            answer.code,
            path,
            # Of an overload there is nothing more to tell, and no time to tell it.
            exc_info=None if isinstance(error, errors.Overloaded) else error,
        )
    else:
        logger.info("request refused status=%d code=%s path=%s", answer.status, answer.code, path)
    return _response(answer, as_problem=PROBLEM_JSON in request.headers.get("accept", ""))


def render_refusal(error: LightspeedError) -> Response:
    """Answer a request of which nothing else is known, not even what the client accepts."""
    return _response(_answer(error), as_problem=False)


def _response(answer: _Answer, *, as_problem: bool) -> Response:
    body = _problem(answer) if as_problem else {"detail": answer.detail}
    return Response(
        # ASCII escapes carry whatever the client sent, lone surrogates included.
        content=json.dumps(body, separators=(",", ":")),
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type=PROBLEM_JSON if as_problem else "application/json",
    )


def error_event(*, status: int, message: str, cause: str) -> dict[str, Any]:
    """Return the data of an `error` event of a stream."""
    return {"status_code": status, "response": message, "cause": cause}


def responses(*kinds: type[LightspeedError]) -> dict[int | str, dict[str, Any]]:
    """Describe errors for OpenAPI, from the table that renders them."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        row = row_of(kind)
        entry = described.setdefault(row.status, _described(row))
        if row.title not in entry["description"]:
            entry["description"] += f"; {row.title.lower()}"
        body = {"detail": {"response": row.example.message, "cause": row.example.cause}}
        examples = entry["content"]["application/json"]["examples"]
        examples[kind.code] = {"summary": row.title, "value": body}
    return described


def _described(row: ErrorRow) -> dict[str, Any]:
    is_validation = row.status == HTTPStatus.UNPROCESSABLE_ENTITY
    return {
        # Python's own phrases differ from version to version.
        "description": row.title,
        "model": ErrorBody | ValidationErrorBody if is_validation else ErrorBody,
        "content": {
            "application/json": {"examples": {}},
            PROBLEM_JSON: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}},
        },
    }


def install(app: FastAPI) -> None:
    """Make the renderer answer every error of the application, which has all its routes."""
    for kind in (*RENDERED, Exception):
        app.add_exception_handler(kind, render_error)
    for path, methods in shadowed_methods(app).items():
        refusal = Route(path, _refuse_method, methods=methods, include_in_schema=False)
        app.router.routes.insert(0, refusal)


async def _refuse_method(request: Request) -> Response:
    return await render_error(request, HTTPException(HTTPStatus.METHOD_NOT_ALLOWED))
