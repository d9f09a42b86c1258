"""A worker that dies between reserving and settling."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.errors import QuotaExceeded
from lightspeed_core.quota.ledger import ABANDONED_AFTER
from lightspeed_core.quota.sql import SqlQuotas
from tests.support.assistants import caller
from tests.support.databases import spell
from tests.support.quotas import Counting

MODEL = ModelRef.parse("openai/small")
START_SECONDS = 60


@pytest.fixture
async def survivors(database_settings: DatabaseSettings) -> AsyncIterator[tuple[Counting, ...]]:
    """Two workers on one database, by whose clocks the dead one's time is over."""

    def later() -> datetime:
        return datetime.now(UTC) + 2 * ABANDONED_AFTER

    async with AsyncExitStack() as stack:
        counting: list[Counting] = []
        for _ in range(2):
            store = SqlQuotas(Database(database_settings), clock=later)
            await store.open()
            stack.push_async_callback(store.close)
            counting.append(Counting(store=store, wait_seconds=0.1))
        yield tuple(counting)


@pytest.mark.requirement("quota.crash")
async def test_what_a_killed_worker_reserved_is_given_back_once(
    database_settings: DatabaseSettings, survivors: tuple[Counting, ...]
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.quota_holder",
        spell(database_settings),
        "1000",
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        assert await holder.stdout.readline() == b"reserved\n"
    holder.kill()
    await holder.wait()
    one, two = survivors
    with pytest.raises(QuotaExceeded, match="turns that run have reserved what is left"):
        await one.quotas.account(caller("ann"), MODEL).reserve(1)

    await asyncio.gather(*(each.ledger.keep_up() for each in (one, two) * 3))

    payer = two.quotas.account(caller("ann"), MODEL)
    assert await payer.left() == {"UserQuotaLimiter": 1000}
    await payer.reserve(999)
    await one.quotas.account(caller("ann"), MODEL).reserve(1)
    with pytest.raises(QuotaExceeded, match="turns that run have reserved what is left"):
        await one.quotas.account(caller("ann"), MODEL).reserve(1)
