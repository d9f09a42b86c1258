"""Points in time as other services' databases hold them. Knows no table."""

import math
from datetime import UTC, datetime
from typing import Any, cast


def moment_of(value: object) -> datetime | None:
    """Return a time in UTC: from a time, a text of one, or seconds since 1970; else None.

    Without a zone it is UTC already.
    """
    try:
        if isinstance(value, datetime):
            return _in_utc(value)
        if isinstance(value, str):
            return _in_utc(datetime.fromisoformat(value.strip()))
        # Numbers of every kind; a database may well give decimals.
        seconds = float(cast("Any", value))
        return datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (ValueError, TypeError, OverflowError, OSError):
        return _moment_of_digits(value) if isinstance(value, str) else None


def _moment_of_digits(text: str) -> datetime | None:
    try:
        return moment_of(float(text))
    except ValueError:
        return None


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
