"""The store of quotas. One truth for all workers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.quota.models import Limit, Reservation, Usage, UsageRecord


class QuotaStore(Protocol):
    """Counts tokens. Raises `StoreUnavailable` when the database does not answer.

    A call reserves what it may use and afterwards settles what it did use. A subject begins with
    the initial quota. Calls that run at once go beyond a quota by one reservation at most, as long
    as none uses more than it reserved.
    """

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def available(self, limits: Sequence[Limit]) -> Mapping[str, int]:
        """Return what is left of each limit by its limiter's name, running calls not counted.

        It is negative when calls used more than there was.
        """
        ...

    async def reserve(self, reservation: Reservation) -> None:
        """Take the tokens from every limit, where each has any left beside what is reserved.

        Raises `QuotaExceeded` for the first of them that has none, and takes nothing then. A
        reservation that is made already is not made again.
        """
        ...

    async def settle(self, reservation_id: str, usage: Usage | None) -> None:
        """Charge what a call used in place of what it reserved; None when it did not take place.

        A reservation that is settled or released already changes nothing.
        """
        ...

    async def release(self, older_than: timedelta) -> int:
        """Give back what calls reserved longer ago than that and never settled; returns how many.

        Their workers died. Each is given back once, however many workers release.
        """
        ...

    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        """Renew the limiter's quotas whose period is over, and return how many these were.

        A quota is set to `initial_quota` where that is above 0, and else raised by
        `quota_increase`: once, however many workers call at the same time, and however many
        periods passed. What running calls have reserved stays reserved.
        """
        ...

    async def usage(self, user_id: str) -> Sequence[UsageRecord]:
        """Return what a user used, by provider and model; empty where no history is kept."""
        ...
