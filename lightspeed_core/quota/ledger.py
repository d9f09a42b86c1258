"""The reservations of this worker: waited for, kept while their turns run, settled once.

Knows neither who pays nor what the amounts are made of.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from lightspeed_core.errors import StoreUnavailable
from lightspeed_core.observability.quota_metrics import QuotaMetrics
from lightspeed_core.quota.models import Reservation, Standing, Usage
from lightspeed_core.quota.store import QuotaStore

logger = logging.getLogger(__name__)

# Shorter than the 10 seconds after which a stream begins and can no longer be refused.
WAIT_SECONDS: Final = 8.0
POLL_SECONDS: Final = 0.05
UPKEEP_SECONDS: Final = 30.0
ABANDONED_AFTER: Final = timedelta(minutes=3)
"""What a worker did not keep for so long belongs to a turn that died with it."""


class Ledger:
    """Reserves and settles for all turns of a worker."""

    def __init__(
        self, store: QuotaStore, metrics: QuotaMetrics, *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self.store = store
        self.metrics = metrics
        self._wait_seconds = wait_seconds
        self._running: set[str] = set()
        self._unsettled: dict[str, Usage | None] = {}
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def reserve(self, reservation: Reservation, *, wait: bool) -> Standing | None:
        """Reserve, or return the limit that refuses.

        Where that is not spent but reserved by turns that run, and `wait` is set, their ends are
        waited for; of those who wait for one limit the first looks, and the others stand behind.
        However the call ends, `settle` ends what it may have begun.
        """
        self._running.add(reservation.reservation_id)
        standing = await self.store.reserve(reservation)
        if wait and standing is not None and not standing.is_spent:
            standing = await self._wait(reservation, standing)
        if standing is not None and standing.is_spent:
            self._running.discard(reservation.reservation_id)
        return standing

    async def _wait(self, reservation: Reservation, refused: Standing) -> Standing | None:
        standing: Standing | None = refused
        limit = refused.limit
        line = self._lines.setdefault(f"{limit.limiter} {limit.subject_id}", asyncio.Lock())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_seconds), line:
                while standing is not None and not standing.is_spent:
                    await asyncio.sleep(POLL_SECONDS)
                    standing = await self.store.reserve(reservation)
        return standing

    async def settle(self, reservation_id: str, usage: Usage | None) -> Mapping[str, int]:
        """Charge what was used and return what is left by limiter; never raises.

        What the database does not take is tried again later, and nothing is returned.
        """
        self._running.discard(reservation_id)
        try:
            left = await self.store.settle(reservation_id, usage)
        except StoreUnavailable as error:
            logger.warning("used tokens were not charged cause=%s", error.cause)
            self.metrics.settlement_failed()
            self._unsettled[reservation_id] = usage
            return {}
        if usage is not None:
            self.metrics.charged(usage.tokens)
        return left

    async def keep_up(self) -> None:
        """Settle what could not be settled, keep what runs, give back what nobody keeps."""
        for reservation_id, usage in tuple(self._unsettled.items()):
            await self.store.settle(reservation_id, usage)
            del self._unsettled[reservation_id]
            if usage is not None:
                self.metrics.charged(usage.tokens)
        if self._running:
            await self.store.keep(tuple(self._running))
        released = await self.store.release(ABANDONED_AFTER)
        if released:
            logger.warning("reservations of lost workers were given back count=%d", released)
