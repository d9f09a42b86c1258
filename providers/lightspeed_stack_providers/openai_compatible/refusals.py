"""What an endpoint's refusal means: its status and words become one of our failures.

Endpoints share the statuses and little else, so codes are read first and words second.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast

import orjson

from lightspeed_stack_providers.failures import (
    UpstreamContextTooLong,
    UpstreamFailure,
    UpstreamModelUnknown,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
)

LONGEST_TEXT = 500
CONTEXT_WORDS = re.compile(
    r"context[ _](length|window|size)|maximum context|prompt is too long|too many (input )?tokens"
    r"|input token count.*exceeds|longer than the maximum model length|reduce the length",
    re.IGNORECASE,
)
MODEL_WORDS = re.compile(
    r"model\b.*\b(not found|does not exist)|unknown model|no such model",
    re.IGNORECASE | re.DOTALL,
)
KEY_WORDS = re.compile(
    r"(api|access) ?key.*(not valid|invalid|incorrect)|invalid api", re.IGNORECASE
)
LIMIT_WORDS = re.compile(r"resource[_ ]exhausted|rate[_ ]limit|too many requests", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as the endpoint worded it; `status` is None inside a stream that had begun."""

    text: str
    code: str = ""
    status: int | None = None
    retry_after: float | None = None

    @property
    def is_hopeless(self) -> bool:
        """Say whether asking again cannot help, though the status suggests it."""
        return self.code == "insufficient_quota"

    def failure(self) -> UpstreamFailure:
        """Name the cause."""
        text = f"{self.status or 'in the stream'}: {self.text}"
        if self._is_about_the_context():
            return UpstreamContextTooLong(text)
        if self._is_about_the_limit():
            return UpstreamRateLimited(text, self.retry_after)
        if self._is_about_the_key():
            return UpstreamUnauthorized(text)
        if self._is_about_the_model():
            return UpstreamModelUnknown(text)
        if self.status in {404, 405}:
            text += " (is base_url right? Most endpoints want one that ends with /v1)"
        return UpstreamRejected(text, self.status or 500)

    def _is_about_the_context(self) -> bool:
        if self.code in {"context_length_exceeded", "exceed_context_size_error"}:
            return True
        return self.status in {None, 400, 413, 422} and bool(CONTEXT_WORDS.search(self.text))

    def _is_about_the_limit(self) -> bool:
        if self.status == 429 or self.is_hopeless:
            return True
        return self.status in {None, 413, 500, 503} and bool(
            LIMIT_WORDS.search(f"{self.code} {self.text}")
        )

    def _is_about_the_key(self) -> bool:
        if self.status in {401, 403} or self.code == "invalid_api_key":
            return True
        return self.status == 400 and bool(KEY_WORDS.search(self.text))

    def _is_about_the_model(self) -> bool:
        if self.code in {"model_not_found", "DeploymentNotFound"}:
            return True
        return self.status in {400, 404} and bool(MODEL_WORDS.search(self.text))


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """Read an answer whose status is not 200."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = body.decode(errors="replace")
    refusal = refusal_of(answer)
    return Refusal(
        text=refusal.text,
        code=refusal.code,
        status=status,
        retry_after=read_retry_after(headers),
    )


def refusal_of(answer: Any) -> Refusal:
    """Read an error object, whatever its shape; a number as its code is its status."""
    error = _error_of(answer)
    if not isinstance(error, dict):
        return Refusal(str(error)[:LONGEST_TEXT])
    found = cast("dict[str, Any]", error)
    number = found.get("code")
    words = (found.get(name) for name in ("code", "status", "type"))
    text = found.get("message") or found.get("detail") or orjson.dumps(found).decode()
    return Refusal(
        text=str(text)[:LONGEST_TEXT],
        code=next((word for word in words if isinstance(word, str)), ""),
        status=number if isinstance(number, int) and 400 <= number < 600 else None,
    )


def _error_of(answer: Any) -> Any:
    # Gemini's endpoint puts its error object into a list.
    if isinstance(answer, list) and answer:
        answer = cast("list[Any]", answer)[0]
    if isinstance(answer, dict):
        found = cast("dict[str, Any]", answer)
        return found.get("error") or found
    return answer


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds to wait, from either spelling of the header."""
    if milliseconds := _number(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    if not value:
        return None
    if (seconds := _number(value)) is not None:
        return max(seconds, 0)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0)
    except ValueError:
        return None


def _number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value.strip()) else None
