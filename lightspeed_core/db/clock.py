"""The time by a clock that all hosts share. Does not know who asks for it, or of whom."""

import time
from datetime import UTC, datetime, timedelta


class SharedClock:
    """Tells the time that it was set by, without asking again; the host's own until then."""

    def __init__(self) -> None:
        self._time: datetime | None = None
        self._set_at = 0.0

    def __call__(self) -> datetime:
        """Return the time, aware and in UTC."""
        if self._time is None:
            return datetime.now(UTC)
        return self._time + timedelta(seconds=time.monotonic() - self._set_at)

    def set(self, now: datetime, *, asked_at: float) -> None:
        """Take an answer just received to be given in the middle of the round trip.

        `asked_at` is when the question was sent, by `time.monotonic`.
        """
        self._time = now.astimezone(UTC)
        self._set_at = (asked_at + time.monotonic()) / 2
