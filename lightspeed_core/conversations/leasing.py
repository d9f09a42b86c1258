"""What the stores agree on about leases and waiting."""

from datetime import UTC, datetime, timedelta
from typing import Final

# How long a worker may be silent before its turns block nobody any more.
DEFAULT_LEASE: Final = timedelta(seconds=10)
# How often, in seconds, a waiting turn looks whether another worker's turn has ended.
POLL: Final = 0.2


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)
