"""One decision over one request, and the text of its record. It knows nothing of HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

_LONGEST: Final = 256
"""Of what a client wrote, at most so many characters are kept."""

_DELETE: Final = "\x7f"


class Outcome(StrEnum):
    """What became of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who asked for what, and what came of it; never what was asked or answered.

    `at` counts seconds since 1970. `resource` holds the template of the route and ids.
    """

    at: float
    request_id: str
    outcome: Outcome
    status: int
    code: str | None
    user_id: str | None
    module: str
    client: str | None
    action: str | None
    method: str
    resource: Mapping[str, str]


def render_decision(decision: Decision) -> str:
    """Return the record as one line of JSON in ASCII, without any control character."""
    return render_record(
        decision.at,
        {
            "request_id": decision.request_id,
            "outcome": decision.outcome,
            "status": decision.status,
            "code": decision.code,
            "user": _shorten(decision.user_id),
            "module": decision.module,
            "client": decision.client,
            "action": decision.action,
            "method": decision.method,
            "resource": {key: _shorten(value) for key, value in decision.resource.items()},
        },
    )


def render_record(at: float, fields: Mapping[str, Any]) -> str:
    """Return one line of JSON in ASCII that begins with the time."""
    text = json.dumps({"time": _written(at), **fields}, separators=(",", ":"))
    return text.replace(_DELETE, "\\u007f")


def _written(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _shorten(text: str | None) -> str | None:
    if text is None or len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}…"
