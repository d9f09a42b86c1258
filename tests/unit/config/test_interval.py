"""How intervals of PostgreSQL are read."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from lightspeed_core.config.interval import Interval, parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration, QuotaLimiterType


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 day", Interval(days=1)),
        ("30 days", Interval(days=30)),
        (" 1 MONTH ", Interval(months=1)),
        ("@ 1 year 2 mons 3 days", Interval(months=14, days=3)),
        ("2 weeks 12:00", Interval(days=14, time=timedelta(hours=12))),
        ("1d2h", Interval(days=1, time=timedelta(hours=2))),
        ("+90 minutes", Interval(time=timedelta(minutes=90))),
        ("36:00:00.5", Interval(time=timedelta(hours=36, seconds=0.5))),
        ("1.5 days", Interval(days=1, time=timedelta(hours=12))),
        ("0.5 months", Interval(days=15)),
        ("500 milliseconds", Interval(time=timedelta(milliseconds=500))),
        ("P1Y2M3W4DT5H6M7.5S", Interval(months=14, days=25, time=timedelta(seconds=18367.5))),
    ],
)
def test_an_interval_is_read(text: str, expected: Interval) -> None:
    assert parse_interval(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "day",
        "1",
        "1 fortnight",
        "1 day ago",
        "-1 day",
        "0 days",
        "00:00",
        "00:99",
        "P",
        "P1H",
        "1 day, 2 hours",
        "2000 years",
        "1" * 40 + " days",
    ],
)
def test_what_is_no_positive_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no positive interval of PostgreSQL, such as '1 day'"):
        parse_interval(text)


def test_a_month_is_as_long_as_the_calendar_says() -> None:
    month = parse_interval("1 month")

    def before(year: int, month_of_year: int, day: int) -> datetime:
        return month.before(datetime(year, month_of_year, day, 9, 30, tzinfo=UTC))

    assert before(2025, 3, 31) == datetime(2025, 2, 28, 9, 30, tzinfo=UTC)
    assert before(2024, 3, 30) == datetime(2024, 2, 29, 9, 30, tzinfo=UTC)
    assert before(2025, 1, 15) == datetime(2024, 12, 15, 9, 30, tzinfo=UTC)


def test_the_longest_interval_before_today_is_a_date() -> None:
    earlier = parse_interval("999 years").before(datetime(2025, 11, 21, tzinfo=UTC))

    assert earlier == datetime(1026, 11, 21, tzinfo=UTC)


def test_a_limiter_with_a_period_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'1 dya' is no positive interval"):
        QuotaLimiterConfiguration(
            type=QuotaLimiterType.USER,
            name="daily",
            initial_quota=1,
            quota_increase=0,
            period="1 dya",
        )
