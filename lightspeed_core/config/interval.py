"""Spans of time as PostgreSQL writes intervals, for every database alike. Knows no setting."""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

# https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-INPUT
_MONTHS: Final = {"y": 12, "yr": 12, "year": 12, "mon": 1, "month": 1, "decade": 120}
_DAYS: Final = {"w": 7, "week": 7, "d": 1, "day": 1}
_SECONDS: Final = {
    **dict.fromkeys(("h", "hr", "hour"), Fraction(3600)),
    **dict.fromkeys(("m", "min", "minute"), Fraction(60)),
    **dict.fromkeys(("s", "sec", "second"), Fraction(1)),
    **dict.fromkeys(("ms", "msec", "millisecond"), Fraction(1, 1000)),
    **dict.fromkeys(("us", "usec", "microsecond"), Fraction(1, 1_000_000)),
}
_PART: Final = re.compile(r"\+?(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_TIME: Final = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?\s*")
_ISO: Final = re.compile(
    r"P(?:(?P<year>\d+)Y)?(?:(?P<month>\d+)M)?(?:(?P<week>\d+)W)?(?:(?P<day>\d+)D)?"
    r"(?:T(?:(?P<hour>\d+)H)?(?:(?P<minute>\d+)M)?(?:(?P<second>\d+(?:\.\d+)?)S)?)?"
)
_LONGEST_DAYS: Final = 365_000
_DAY_SECONDS: Final = 86_400
_MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Months, days and a time; a month is as long as the calendar says."""

    months: int = 0
    days: int = 0
    time: timedelta = timedelta()

    def before(self, moment: datetime) -> datetime:
        """Return the moment that is so much earlier, a day that a month lacks being its last."""
        return _shift(moment, -self.months) - timedelta(days=self.days) - self.time

    def after(self, moment: datetime) -> datetime:
        """Return the moment that is so much later, likewise."""
        return _shift(moment, self.months) + timedelta(days=self.days) + self.time


def _shift(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def parse_interval(text: str) -> Interval:
    """Read an interval such as `1 day`, `2 weeks 12:00` or `P1M`.

    Raises `ValueError` for what is none, is not positive, or is longer than a thousand years.
    """
    amounts = _amounts(text.strip())
    months, days, seconds = Fraction(), Fraction(), Fraction()
    for amount, unit in amounts:
        if unit in _MONTHS:
            months += amount * _MONTHS[unit]
        elif unit in _DAYS:
            days += amount * _DAYS[unit]
        else:
            seconds += amount * _SECONDS[unit]
    days += (months % 1) * _MONTH_DAYS
    seconds += (days % 1) * _DAY_SECONDS
    total = int(months) * _MONTH_DAYS + int(days) + seconds / _DAY_SECONDS
    if not 0 < total <= _LONGEST_DAYS:
        raise _refused(text)
    microseconds = round(seconds * 1_000_000)
    return Interval(months=int(months), days=int(days), time=timedelta(microseconds=microseconds))


def _amounts(text: str) -> list[tuple[Fraction, str]]:
    if text.startswith("P"):
        return _iso_amounts(text)
    rest = text.removeprefix("@").strip().lower()
    found: list[tuple[Fraction, str]] = []
    while rest:
        if part := _TIME.match(rest):
            hours, minutes, seconds = part.groups(default="0")
            found += [(Fraction(hours), "h"), (Fraction(minutes), "m"), (Fraction(seconds), "s")]
        elif part := _PART.match(rest):
            found.append((Fraction(part[1]), _unit(part[2], text)))
        else:
            raise _refused(text)
        rest = rest[part.end() :]
    return found


def _iso_amounts(text: str) -> list[tuple[Fraction, str]]:
    part = _ISO.fullmatch(text)
    if part is None:
        raise _refused(text)
    return [(Fraction(amount), unit) for unit, amount in part.groupdict().items() if amount]


def _unit(name: str, text: str) -> str:
    for unit in (name, name.removesuffix("s")):
        if unit in _MONTHS or unit in _DAYS or unit in _SECONDS:
            return unit
    raise _refused(text)


def _refused(text: str) -> ValueError:
    return ValueError(
        f"'{text}' is no positive interval of PostgreSQL, such as '1 day', '30 days' or '12 hours'"
    )
