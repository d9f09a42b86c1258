"""When quotas are renewed, and how a database that is away is met."""

import pytest

from lightspeed_core.config.quota import QuotaHandlersConfiguration, QuotaSchedulerConfiguration
from lightspeed_core.errors import StoreUnavailable
from lightspeed_core.quota.schedule import QuotaSchedule, open_patiently
from tests.support.faulty_quotas import FaultyQuotas
from tests.support.quotas import a_limiter

TWICE = QuotaSchedulerConfiguration(database_reconnection_count=2, database_reconnection_delay=1)
ONCE = QuotaSchedulerConfiguration(database_reconnection_count=1)


async def test_a_database_is_tried_as_often_as_set() -> None:
    store = FaultyQuotas(away=1)
    await open_patiently(store, TWICE)
    assert store.calls == 2

    store.away = 5
    with pytest.raises(StoreUnavailable):
        await open_patiently(store, ONCE)
    assert store.calls == 3


async def test_every_limiter_is_looked_after_once_the_database_answers() -> None:
    store = FaultyQuotas(away=1)
    limiters = (a_limiter("daily"), a_limiter("weekly"))
    schedule = QuotaSchedule(store, QuotaHandlersConfiguration(limiters=limiters, scheduler=TWICE))

    await schedule.renew()

    assert store.calls == 3
