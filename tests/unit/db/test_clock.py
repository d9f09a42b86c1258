import time
from datetime import UTC, datetime, timedelta

from lightspeed_core.db.clock import SharedClock
from tests.support.databases import NOON


def test_an_unset_clock_tells_the_time_of_the_host() -> None:
    before = datetime.now(UTC)

    assert before <= SharedClock()() <= datetime.now(UTC)


def test_a_clock_goes_on_from_the_time_that_it_was_set_by() -> None:
    clock = SharedClock()

    clock.set(NOON, asked_at=time.monotonic())
    first, second = clock(), clock()

    assert NOON <= first <= second < NOON + timedelta(seconds=5)


def test_half_of_the_round_trip_is_added() -> None:
    clock = SharedClock()

    clock.set(NOON, asked_at=time.monotonic() - 20)

    assert NOON + timedelta(seconds=10) <= clock() < NOON + timedelta(seconds=15)
