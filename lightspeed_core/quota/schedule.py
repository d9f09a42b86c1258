"""Renews quotas whose period is over. Every worker looks; the store renews once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from lightspeed_core.config.quota import QuotaHandlersConfiguration, QuotaSchedulerConfiguration
from lightspeed_core.errors import StoreUnavailable
from lightspeed_core.quota.store import QuotaStore

logger = logging.getLogger(__name__)


async def open_patiently(store: QuotaStore, scheduler: QuotaSchedulerConfiguration) -> None:
    """Open a store whose database may come a little later than the service.

    Raises `StoreUnavailable` after the last attempt, and at once what waiting does not mend.
    """
    await _patiently(store.open, scheduler)


class QuotaSchedule:
    """Looks after all limiters, as often as it is called."""

    def __init__(self, store: QuotaStore, section: QuotaHandlersConfiguration) -> None:
        self._store = store
        self._section = section

    async def renew(self) -> None:
        """Renew what is due; raises `StoreUnavailable` when no attempt reached the database."""
        await _patiently(self._renew, self._section.scheduler)

    async def _renew(self) -> None:
        for limiter in self._section.limiters:
            renewed = await self._store.replenish(limiter)
            if renewed:
                logger.info("quotas were renewed limiter=%s count=%d", limiter.name, renewed)


async def _patiently(
    work: Callable[[], Awaitable[None]], scheduler: QuotaSchedulerConfiguration
) -> None:
    for _ in range(scheduler.database_reconnection_count - 1):
        try:
            await work()
        except StoreUnavailable as error:
            logger.warning("database of the quotas did not answer cause=%s", error.cause)
            await asyncio.sleep(scheduler.database_reconnection_delay)
        else:
            return
    await work()
