"""Quotas, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration, QuotaLimiterType
from lightspeed_core.quota.memory import MemoryQuotas
from lightspeed_core.quota.models import (
    Limit,
    Reservation,
    Standing,
    SubjectKind,
    Usage,
    UsageRecord,
)
from lightspeed_core.quota.sql import SqlQuotas
from lightspeed_core.quota.store import QuotaStore
from tests.contract.conftest import settings_for
from tests.support.databases import NOON, STORE_KINDS, ManualClock, open_stores
from tests.support.postgres import Postgres

pytestmark = pytest.mark.requirement("store.quotas")

ANN = Limit(limiter="daily", kind=SubjectKind.USER, subject_id="ann", initial_quota=1000)
BEN = Limit(limiter="daily", kind=SubjectKind.USER, subject_id="ben", initial_quota=1000)
CLUSTER = Limit(limiter="monthly", kind=SubjectKind.CLUSTER, initial_quota=1200)
DAY = 24 * 60 * 60.0

type NewStore = Callable[[], Awaitable[QuotaStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[NewStore]:
    async with open_stores(
        settings_for(str(request.param), request, tmp_path),
        MemoryQuotas(keeps_history=True, clock=clock).beside,
        lambda database: SqlQuotas(database, keeps_history=True, clock=clock),
    ) as new_store:
        yield new_store


@pytest.fixture
async def quotas(new_store: NewStore) -> QuotaStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> QuotaStore:
    """A second worker beside `quotas`."""
    return await new_store()


def a_call(*limits: Limit, tokens: int = 300) -> Reservation:
    return Reservation(reservation_id=str(uuid4()), limits=limits, tokens=tokens)


def used(tokens: int, *, user_id: str = "ann", model: str = "small") -> Usage:
    return Usage(
        user_id=user_id,
        provider="openai",
        model=model,
        input_tokens=tokens // 3,
        output_tokens=tokens - tokens // 3,
    )


def a_limiter(
    *, name: str = "daily", initial: int = 0, increase: int = 0, period: str = "1 day"
) -> QuotaLimiterConfiguration:
    return QuotaLimiterConfiguration(
        type=QuotaLimiterType.USER,
        name=name,
        initial_quota=initial,
        quota_increase=increase,
        period=period,
    )


async def spend(store: QuotaStore, tokens: int, *limits: Limit) -> None:
    """Make a call that uses what it reserved."""
    call = a_call(*limits, tokens=tokens)
    await reserve(store, call)
    await store.settle(call.reservation_id, used(tokens))


async def reserve(store: QuotaStore, call: Reservation) -> None:
    """Reserve what must be there."""
    assert await store.reserve(call) is None


async def refusal(store: QuotaStore, call: Reservation) -> Standing:
    """Reserve what must not be there, and return the limit that has nothing left."""
    standing = await store.reserve(call)
    assert standing is not None
    return standing


async def available(store: QuotaStore, *limits: Limit) -> dict[str, int]:
    return {each.limit.limiter: each.available for each in await store.standings(limits)}


async def left(store: QuotaStore, limit: Limit) -> int:
    return (await available(store, limit))[limit.limiter]


async def test_a_subject_begins_with_the_initial_quota(quotas: QuotaStore) -> None:
    assert await available(quotas, ANN, CLUSTER) == {"daily": 1000, "monthly": 1200}
    assert await available(quotas) == {}


async def test_a_call_is_charged_to_every_limit_with_what_it_used(
    quotas: QuotaStore, others: QuotaStore
) -> None:
    call = a_call(ANN, CLUSTER)

    await reserve(quotas, call)
    assert await available(others, ANN, CLUSTER) == {"daily": 1000, "monthly": 1200}
    told = await others.settle(call.reservation_id, used(450))
    assert told == {"daily": 550, "monthly": 750}
    assert await others.settle(call.reservation_id, used(450)) == {}

    assert await available(quotas, ANN, CLUSTER) == {"daily": 550, "monthly": 750}
    assert await available(quotas, BEN) == {"daily": 1000}


async def test_a_limit_may_be_overdrawn_by_the_last_call_and_then_refuses(
    quotas: QuotaStore, others: QuotaStore
) -> None:
    await spend(quotas, 999, ANN)
    await spend(others, 300, ANN)

    assert await refusal(quotas, a_call(ANN)) == Standing(
        limit=ANN, available=-299, replenished_at=NOON
    )
    assert await left(others, ANN) == -299
    await reserve(quotas, a_call(BEN))


async def test_a_subject_without_a_quota_is_refused_and_known_from_then_on(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    nothing = Limit(limiter="daily", kind=SubjectKind.USER, subject_id="cleo", initial_quota=0)
    assert await quotas.standings([nothing]) == [Standing(limit=nothing, available=0)]

    standing = await refusal(quotas, a_call(nothing))

    assert standing == Standing(limit=nothing, available=0, replenished_at=NOON)
    assert standing.is_spent
    clock.advance(DAY + 1)
    assert await quotas.replenish(a_limiter(increase=50)) == 1
    await reserve(quotas, a_call(nothing))


async def test_what_running_calls_reserved_is_refused_but_not_spent(quotas: QuotaStore) -> None:
    await reserve(quotas, a_call(ANN, tokens=1000))

    standing = await refusal(quotas, a_call(ANN))

    assert standing.available == 1000
    assert not standing.is_spent


async def test_a_call_that_one_limit_refuses_takes_nothing_of_the_others(
    quotas: QuotaStore,
) -> None:
    await spend(quotas, 1000, ANN)
    for _ in range(5):
        assert (await refusal(quotas, a_call(ANN, CLUSTER))).limit == ANN

    await reserve(quotas, a_call(CLUSTER, tokens=1199))
    await reserve(quotas, a_call(CLUSTER, tokens=1))
    assert (await refusal(quotas, a_call(CLUSTER))).limit == CLUSTER
    assert await left(quotas, CLUSTER) == 1200


async def test_fifty_calls_at_once_go_beyond_a_quota_by_one_at_most(
    quotas: QuotaStore, others: QuotaStore
) -> None:
    async def call(worker: QuotaStore, number: int) -> bool:
        limits = (CLUSTER, BEN if number % 3 else ANN)
        reservation = a_call(*limits, tokens=250)
        if await worker.reserve(reservation) is not None:
            return False
        await everybody_asked.wait()
        await worker.settle(reservation.reservation_id, used(250))
        return True

    everybody_asked = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        calls = [
            group.create_task(call(worker, number))
            for number, worker in enumerate((quotas, others) * 25)
        ]
        while sum(each.done() for each in calls) < 45:
            await asyncio.sleep(0.01)
        everybody_asked.set()

    # 1200 tokens: four calls leave 200, the fifth may still begin.
    assert sum(each.result() for each in calls) == 5
    assert await left(quotas, CLUSTER) == -50


async def test_calls_of_many_users_at_once_are_all_charged(
    quotas: QuotaStore, others: QuotaStore
) -> None:
    users = [
        Limit(limiter="daily", kind=SubjectKind.USER, subject_id=f"user {n}", initial_quota=10**12)
        for n in range(10)
    ]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number, worker in enumerate((quotas, others) * 60):
            # Each worker comes to the users in another order.
            group.create_task(spend(worker, 10**9, users[number * (3 if number % 2 else 7) % 10]))

    spent = [10**12 - await left(quotas, user) for user in users]
    assert sum(spent) == 120 * 10**9


async def test_what_is_reserved_or_settled_again_changes_nothing(
    quotas: QuotaStore, others: QuotaStore
) -> None:
    call = a_call(ANN, tokens=1000)
    await asyncio.gather(*(worker.reserve(call) for worker in (quotas, others) * 3))
    assert (await refusal(quotas, a_call(ANN))).limit == ANN

    await asyncio.gather(
        *(worker.settle(call.reservation_id, used(300)) for worker in (quotas, others) * 3)
    )

    assert await left(quotas, ANN) == 700
    assert [record.total for record in await quotas.usage("ann")] == [used(300)]
    await reserve(quotas, a_call(ANN, tokens=699))
    await reserve(quotas, a_call(ANN, tokens=1))
    assert (await refusal(quotas, a_call(ANN))).limit == ANN


async def test_a_call_that_did_not_take_place_costs_nothing(quotas: QuotaStore) -> None:
    call = a_call(ANN, tokens=1000)
    await reserve(quotas, call)

    await quotas.settle(call.reservation_id, None)

    assert await left(quotas, ANN) == 1000
    assert await quotas.usage("ann") == []
    await reserve(quotas, a_call(ANN))


async def test_what_dead_workers_reserved_is_given_back_once(
    quotas: QuotaStore, others: QuotaStore, clock: ManualClock
) -> None:
    abandoned = [a_call(ANN, CLUSTER, tokens=400) for _ in range(3)]
    for call in abandoned:
        await reserve(quotas, call)
    clock.advance(3600)
    alive = a_call(ANN, tokens=1)
    assert (await refusal(others, alive)).limit == ANN

    released = await asyncio.gather(
        *(worker.release(timedelta(minutes=30)) for worker in (quotas, others) * 4)
    )
    await reserve(others, alive)
    await quotas.settle(abandoned[0].reservation_id, used(400))

    assert sum(released) == 3
    assert await others.release(timedelta(minutes=30)) == 0
    assert await available(quotas, ANN, CLUSTER) == {"daily": 1000, "monthly": 1200}


async def test_what_a_call_keeps_is_not_given_back(
    quotas: QuotaStore, others: QuotaStore, clock: ManualClock
) -> None:
    long_call, abandoned = a_call(ANN, tokens=600), a_call(ANN, tokens=600)
    await reserve(quotas, long_call)
    await reserve(quotas, abandoned)
    for _ in range(3):
        clock.advance(100)
        await quotas.keep({long_call.reservation_id, "settled long ago"})
    await quotas.keep([])

    assert await others.release(timedelta(seconds=150)) == 1
    assert await quotas.settle(long_call.reservation_id, used(600)) == {"daily": 400}


async def test_the_history_sums_up_what_a_user_used_of_each_model(
    quotas: QuotaStore, others: QuotaStore, clock: ManualClock
) -> None:
    for usage in (used(30), used(60), used(9, model="large"), used(3, user_id="ben")):
        call = a_call()
        await reserve(quotas, call)
        clock.advance(1)
        await others.settle(call.reservation_id, usage)

    second = timedelta(seconds=1)
    assert await quotas.usage("ann") == [
        UsageRecord(total=used(9, model="large"), updated_at=NOON + 3 * second),
        UsageRecord(total=used(90), updated_at=NOON + 2 * second),
    ]
    assert [record.total.tokens for record in await others.usage("ben")] == [3]
    assert await quotas.usage("cleo") == []


@pytest.mark.requirement("store.quota-periods")
@pytest.mark.parametrize(
    ("initial", "increase", "expected"),
    [(500, 0, 500), (0, 70, -130), (500, 70, 500), (0, 0, -200)],
)
async def test_a_quota_is_reset_or_raised_when_its_period_is_over(
    quotas: QuotaStore, clock: ManualClock, initial: int, increase: int, expected: int
) -> None:
    limiter = a_limiter(initial=initial, increase=increase)
    await spend(quotas, 1200, ANN)
    clock.advance(DAY)
    assert await quotas.replenish(limiter) == 0
    assert await left(quotas, ANN) == -200

    clock.advance(1)
    assert await quotas.replenish(limiter) == 1
    assert await quotas.replenish(limiter) == 0
    assert await left(quotas, ANN) == expected


@pytest.mark.requirement("store.quota-periods")
async def test_many_workers_that_look_at_once_renew_a_quota_once(
    quotas: QuotaStore, others: QuotaStore, clock: ManualClock
) -> None:
    limiter = a_limiter(increase=100)
    await spend(quotas, 1000, ANN)
    await spend(quotas, 1000, BEN)
    for renewals in (1, 2):
        clock.advance(3 * DAY)
        renewed = await asyncio.gather(
            *(worker.replenish(limiter) for worker in (quotas, others) * 5)
        )
        assert sum(renewed) == 2
        assert await left(others, ANN) == await left(quotas, BEN) == 100 * renewals


@pytest.mark.requirement("store.quota-periods")
async def test_each_limiter_has_a_period_of_its_own(quotas: QuotaStore, clock: ManualClock) -> None:
    await spend(quotas, 1000, ANN, CLUSTER)
    clock.advance(1.5 * DAY)
    await spend(quotas, 1000, BEN)

    assert await quotas.replenish(a_limiter(initial=1000)) == 1
    assert await quotas.replenish(a_limiter(name="monthly", initial=1200, period="1 month")) == 0
    assert await available(quotas, ANN, CLUSTER) == {"daily": 1000, "monthly": 200}
    assert await left(quotas, BEN) == 0


@pytest.mark.requirement("store.quota-periods")
async def test_a_clock_that_jumps_renews_once_and_waits_a_period_at_most(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    limiter = a_limiter(increase=100)
    await spend(quotas, 1000, ANN)
    clock.advance(1.5 * DAY)
    assert await quotas.replenish(limiter) == 1

    clock.advance(-1.5 * DAY)
    assert await quotas.replenish(limiter) == 0
    clock.advance(DAY)
    assert await quotas.replenish(limiter) == 0
    clock.advance(1)
    assert await quotas.replenish(limiter) == 1
    assert await left(quotas, ANN) == 200


@pytest.mark.requirement("store.quota-periods")
async def test_what_a_running_call_reserved_stays_reserved_when_the_quota_is_renewed(
    quotas: QuotaStore, clock: ManualClock
) -> None:
    call = a_call(ANN, tokens=1000)
    await reserve(quotas, call)
    clock.advance(2 * DAY)
    await quotas.replenish(a_limiter(initial=1000))

    assert (await refusal(quotas, a_call(ANN))).limit == ANN
    await quotas.settle(call.reservation_id, used(100))

    assert await left(quotas, ANN) == 900


@pytest.mark.requirement("store.quota-periods")
@pytest.mark.parametrize(
    "period",
    [
        "1 day",
        "30 days",
        "1 month",
        "13 months 2 days",
        "1 year",
        "2 weeks 12:00",
        "@ 90 mins",
        "1.5 days",
        "0.5 months",
        "1d 2h 3m 4.25s",
        "P1Y2M10DT2H30M",
        "36:15",
        "250 ms",
    ],
)
async def test_a_period_means_what_it_means_to_postgresql(postgres: Postgres, period: str) -> None:
    moments = [
        datetime.fromisoformat(f"{day}T10:20:30+00:00") for day in ("2024-03-31", "2025-01-15")
    ]
    engine = postgres.engine()
    async with engine.connect() as connection:
        await connection.execute(text("SET TIME ZONE 'UTC'"))
        for moment in moments:
            query = text(f"SELECT timestamptz '{moment.isoformat()}' - interval '{period}'")
            expected = (await connection.execute(query)).scalar_one()
            assert parse_interval(period).before(moment) == expected
    await engine.dispose()
