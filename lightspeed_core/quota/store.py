"""The store of quotas. One truth for all workers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.quota.models import (
    Limit,
    Reservation,
    Standing,
    Usage,
    UsageRecord,
)

FUTURE: Final = timedelta(minutes=1)
"""Clocks of workers differ by less: a renewal that lies further ahead was dated by a wrong one."""


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

    async def standings(self, limits: Sequence[Limit]) -> Sequence[Standing]:
        """Return how each limit stands, in their order."""
        ...

    async def reserve(self, reservation: Reservation) -> Standing | None:
        """Take the tokens from every limit, where each has any left beside what is reserved.

        Returns None then, and otherwise how the first of them stands that has none; nothing is
        taken, but the subject is known from now on. A reservation that is made already is not
        made again.
        """
        ...

    async def settle(self, reservation_id: str, usage: Usage | None) -> Mapping[str, int]:
        """Charge what a call used in place of what it reserved; None when it did not take place.

        Returns what is left then by the limiter's name. A reservation that is settled or
        released already changes nothing, and nothing is returned.
        """
        ...

    async def keep(self, reservation_ids: Collection[str]) -> None:
        """Count the age of reservations from now on anew: their calls still run."""
        ...

    async def release(self, older_than: timedelta) -> int:
        """Give back what calls reserved longer ago than that and did not `keep`; returns how many.

        Their workers died. Each is given back once, however many workers release.
        """
        ...

    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        """Renew the limiter's quotas whose period is over, and return how many these were.

        A quota is set to `initial_quota` where that is above 0, and else raised by
        `quota_increase`: once, however many workers call at the same time, and however many
        periods passed. What running calls have reserved stays reserved. A quota that was renewed
        in the future, by a clock that was set back since, counts as renewed now.
        """
        ...

    async def usage(self, user_id: str) -> Sequence[UsageRecord]:
        """Return what a user used, by provider and model; empty where no history is kept."""
        ...
