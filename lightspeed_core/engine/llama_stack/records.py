"""Makes Llama Stack's structured log records plain ones, so that our handlers can show them."""

from collections.abc import MutableMapping
from typing import Any

import structlog


def write_plain_records() -> None:
    """Render each record as a text with its fields.

    Loggers that were used already hold the list of processors itself, so it is changed in place.
    """
    structlog.get_config()["processors"][:] = [_as_text]


def _as_text(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    text = str(event.pop("event", ""))
    kept = {key: event.pop(key) for key in ("exc_info", "stack_info") if key in event}
    fields = " ".join(f"{key}={value}" for key, value in event.items() if key != "category")
    return ("%s %s" if fields else "%s", *((text, fields) if fields else (text,))), kept
