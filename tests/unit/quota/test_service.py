"""Accounts: who pays, when a quota refuses, and what is told of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from lightspeed_core.config.quota import QuotaLimiterType
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.errors import QuotaExceeded, StoreUnavailable
from lightspeed_core.quota.account import Account, NoQuotas
from lightspeed_core.quota.ledger import ABANDONED_AFTER
from lightspeed_core.quota.models import Subject, SubjectKind
from lightspeed_core.quota.subjects import organisation_of, system_of, user_of
from tests.support.assistants import caller
from tests.support.faulty_quotas import FaultyQuotas
from tests.support.quotas import Counting, a_limiter

MODEL = ModelRef(provider="openai", model="small")
DAY = 86_400.0


def account(counting: Counting, user_id: str = "ann") -> Account:
    return counting.quotas.account(caller(user_id), MODEL)


async def spend(counting: Counting, tokens: int, user_id: str = "ann") -> None:
    payer = account(counting, user_id)
    await payer.reserve(tokens)
    payer.use(TokenUsage(input_tokens=tokens, output_tokens=0))
    await payer.settle()


async def refusal(counting: Counting, user_id: str = "ann") -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        await account(counting, user_id).check()
    return caught.value


async def test_what_several_calls_of_a_turn_used_is_charged_once() -> None:
    counting = Counting()
    payer = account(counting)
    await payer.reserve(300)
    await payer.reserve(300)
    payer.use(TokenUsage(input_tokens=100, output_tokens=20))
    payer.use(TokenUsage(input_tokens=30, output_tokens=1, is_estimated=True))

    assert await payer.settle() == {"UserQuotaLimiter": 849}
    assert await payer.settle() == {}
    assert await payer.left() == {"UserQuotaLimiter": 849}
    [record] = await counting.store.usage("ann")
    assert (record.total.input_tokens, record.total.output_tokens) == (130, 21)
    assert counting.counted("ls_quota_charged_tokens_total 151.0")


async def test_a_turn_that_reached_no_model_costs_nothing() -> None:
    counting = Counting()
    payer = account(counting)
    assert await payer.settle() == {}

    await payer.reserve(1000)
    assert await payer.settle() == {"UserQuotaLimiter": 1000}
    assert await counting.store.usage("ann") == []


@pytest.mark.requirement("quota.left")
async def test_of_several_limiters_of_a_class_the_least_is_told() -> None:
    counting = Counting(
        a_limiter("daily", initial=500),
        a_limiter("weekly", initial=400),
        a_limiter("monthly", initial=900),
        a_limiter("all", kind=QuotaLimiterType.CLUSTER, initial=2000),
    )
    await spend(counting, 100)
    await spend(counting, 10, "ben")

    assert await account(counting).left() == {
        "UserQuotaLimiter": 300,
        "ClusterQuotaLimiter": 1890,
    }


@pytest.mark.requirement("quota.refusal")
async def test_a_spent_quota_refuses_its_user_alone_until_its_period_is_over() -> None:
    counting = Counting()
    await spend(counting, 1000)
    counting.clock.advance(DAY / 2 - 0.5)

    error = await refusal(counting)

    assert error.message == "The quota has been exceeded"
    assert error.cause == "User ann has no available tokens"
    assert error.retry_after == DAY / 2 + 0.5
    await account(counting, "ben").check()
    assert counting.counted('ls_quota_refusals_total{limiter="daily"} 1.0')


async def test_a_spent_cluster_refuses_everybody() -> None:
    counting = Counting(a_limiter("all", kind=QuotaLimiterType.CLUSTER))
    await spend(counting, 1000)

    assert (await refusal(counting, "ben")).cause == "Cluster has no available tokens"


@pytest.mark.parametrize(
    ("initial", "increase", "period", "spent", "seconds"),
    [
        (1000, 0, "1 hour", 5000, 3600.0),
        (0, 100, "1 hour", 100, 3600.0),
        (0, 100, "1 hour", 200, 7200.0),
        (1000, 0, "30 days", 1000, DAY),
        (0, 0, "1 hour", 0, DAY),
    ],
)
async def test_when_to_come_back_is_told_and_is_a_day_at_most(
    initial: int, increase: int, period: str, spent: int, seconds: float
) -> None:
    limiter = a_limiter(initial=initial, increase=increase, period=period)
    counting = Counting(limiter)
    if initial == 0:
        # Nothing is granted before the first period is over, which begins with the first try.
        with pytest.raises(QuotaExceeded):
            await account(counting).reserve(1)
        counting.clock.advance(DAY)
        await counting.store.replenish(limiter)
    if spent:
        await spend(counting, spent)
    error = await refusal(counting)
    assert error.retry_after == seconds


async def test_when_to_come_back_is_never_now() -> None:
    counting = Counting()
    await spend(counting, 1000)
    counting.clock.advance(DAY)

    assert (await refusal(counting)).retry_after == 1.0


async def test_whoever_has_no_quota_yet_is_refused_and_known_from_then_on() -> None:
    limiter = a_limiter(initial=0, increase=70)
    counting = Counting(limiter)
    payer = account(counting)
    await payer.check()
    with pytest.raises(QuotaExceeded, match="User ann has no available tokens"):
        await payer.reserve(10)
    assert await payer.settle() == {}

    counting.clock.advance(DAY + 1)
    await counting.store.replenish(limiter)
    assert await account(counting).left() == {"UserQuotaLimiter": 70}


@pytest.mark.requirement("quota.waiting")
async def test_a_turn_waits_for_those_that_reserved_what_is_left() -> None:
    counting = Counting(wait_seconds=30)
    first, second, third = (account(counting) for _ in range(3))
    await first.reserve(1000)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = [group.create_task(each.reserve(1000)) for each in (second, third)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        first.use(TokenUsage(input_tokens=400, output_tokens=0))
        await first.settle()
        await waiting[0]
        second.use(TokenUsage(input_tokens=400, output_tokens=0))
        await second.settle()
    assert await third.settle() == {"UserQuotaLimiter": 200}


async def test_a_turn_that_waits_is_refused_once_the_quota_is_spent() -> None:
    counting = Counting(wait_seconds=30)
    first, second = account(counting), account(counting)
    await first.reserve(1000)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(_refused(second))
        await asyncio.sleep(0)
        first.use(TokenUsage(input_tokens=1000, output_tokens=0))
        await first.settle()
    assert waiting.result().cause == "User ann has no available tokens"


async def _refused(payer: Account) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        await payer.reserve(1000)
    return caught.value


@pytest.mark.requirement("quota.waiting")
@pytest.mark.parametrize("wait", [True, False])
async def test_a_turn_that_waited_in_vain_is_told_to_come_back_soon(wait: bool) -> None:
    counting = Counting(wait_seconds=0.2)
    await account(counting).reserve(1000)
    payer = account(counting)

    with pytest.raises(QuotaExceeded) as caught:
        await payer.reserve(120, wait=wait)

    assert caught.value.cause == (
        "User ann has 0 tokens, but 120 tokens are needed: "
        "turns that run have reserved what is left"
    )
    assert caught.value.retry_after == 5
    assert await payer.settle() == {}


async def test_an_account_beside_a_turn_reserves_for_itself() -> None:
    counting = Counting()
    turn = account(counting)
    await turn.reserve(400)
    beside = turn.beside()
    await beside.reserve(100)
    beside.use(TokenUsage(input_tokens=60, output_tokens=5))

    assert await beside.settle() == {"UserQuotaLimiter": 935}
    assert await turn.settle() == {"UserQuotaLimiter": 935}


@pytest.mark.requirement("quota.database-away")
async def test_a_charge_that_the_database_does_not_take_is_made_later_and_once() -> None:
    store = FaultyQuotas()
    counting = Counting(store=store)
    payer = account(counting)
    await payer.reserve(400)
    payer.use(TokenUsage(input_tokens=60, output_tokens=40))
    store.away = 1

    assert await payer.settle() == {}
    assert counting.counted("ls_quota_settlement_failures_total 1.0")
    assert counting.counted("ls_quota_charged_tokens_total 0.0")
    store.away = 1
    with pytest.raises(StoreUnavailable):
        await counting.ledger.keep_up()
    for _ in range(2):
        await counting.ledger.keep_up()

    assert await account(counting).left() == {"UserQuotaLimiter": 900}
    assert counting.counted("ls_quota_charged_tokens_total 100.0")


async def test_a_database_that_is_away_refuses_a_turn_and_not_its_end() -> None:
    store = FaultyQuotas(away=2)
    payer = account(Counting(store=store))
    with pytest.raises(StoreUnavailable):
        await payer.check()
    with pytest.raises(StoreUnavailable):
        await payer.reserve(1)
    store.away = 2
    assert await payer.settle() == {}
    assert await payer.left() == {}


async def test_reservations_of_running_turns_are_kept_and_others_given_back() -> None:
    counting = Counting(wait_seconds=0.1)
    dead = Counting(store=counting.store)
    running = account(counting)
    await account(dead).reserve(600)
    await running.reserve(600)
    for _ in range(3):
        counting.clock.advance(ABANDONED_AFTER.total_seconds() / 2)
        await counting.ledger.keep_up()

    await account(counting).reserve(300)
    running.use(TokenUsage(input_tokens=100, output_tokens=0))
    assert await running.settle() == {"UserQuotaLimiter": 900}
    assert await counting.store.release(timedelta(days=-1)) == 1


def an_identity(**claims: Any) -> Identity:
    return Identity(user_id="ann", username="Ann", claims=claims)


@pytest.mark.requirement("quota.subjects")
@pytest.mark.parametrize(
    ("identity", "organisation", "system"),
    [
        ({"org_id": "42", "system": {"cn": "box"}}, "org 42", "system box"),
        ({"internal": {"org_id": "43"}}, "org 43", "ann"),
        ({"org_id": 7, "system": "box"}, "ann", "ann"),
        ({}, "ann", "ann"),
    ],
)
def test_an_answer_of_a_command_line_is_paid_by_whom_the_identity_names(
    identity: dict[str, Any], organisation: str, system: str
) -> None:
    for claims in ({"identity": identity}, identity):
        assert organisation_of(an_identity(**claims)).subject_id == organisation
        assert system_of(an_identity(**claims)).subject_id == system
    assert user_of(an_identity(identity=identity)) == Subject(SubjectKind.USER, "ann")


async def test_an_organisation_is_no_user_of_the_same_name() -> None:
    counting = Counting(subject_of=organisation_of)
    payer = counting.quotas.account(an_identity(org_id="42"), MODEL)
    await payer.reserve(10)
    payer.use(TokenUsage(input_tokens=1000, output_tokens=0))
    await payer.settle()

    with pytest.raises(QuotaExceeded) as caught:
        await payer.check()
    assert caught.value.cause == "Unknown subject org 42 has no available tokens"
    assert await Counting(store=counting.store).quotas.account(caller("42"), MODEL).left() == {
        "UserQuotaLimiter": 1000
    }


async def test_without_limiters_nothing_is_counted() -> None:
    payer = NoQuotas().account(caller(), MODEL)
    assert not payer.is_counted
    assert payer.beside() is payer
    await payer.check()
    await payer.reserve(10**9)
    payer.use(TokenUsage(input_tokens=1, output_tokens=1))
    assert await payer.settle() == await payer.left() == {}
