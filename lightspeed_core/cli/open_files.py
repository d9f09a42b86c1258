"""How many files, and so connections, the system lets this process open."""

import logging
import resource
from typing import Final

logger = logging.getLogger(__name__)

# For databases, models and whatever else is open beside connections of clients.
_OTHERS: Final = 256


def allow_connections(wanted: int) -> int:
    """Raise the limit of open files for `wanted` connections; return how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    needed = wanted + _OTHERS
    if soft != unlimited and soft < needed:
        soft = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == unlimited or soft >= needed:
        return wanted
    allowed = max(1, soft - _OTHERS)
    logger.warning(
        "connections were limited to %d by the limit of open files: wanted=%d", allowed, wanted
    )
    return allowed
