"""The store of quotas in memory, until the process ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import override

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.errors import QuotaExceeded
from lightspeed_core.quota.models import Limit, Reservation, Usage, UsageRecord
from lightspeed_core.quota.store import QuotaStore


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Quota:
    available: int
    replenished_at: datetime
    reserved: int = 0


@dataclass(slots=True)
class _Memory:
    quotas: dict[tuple[str, str], _Quota] = field(default_factory=dict[tuple[str, str], _Quota])
    reservations: dict[str, tuple[Reservation, datetime]] = field(
        default_factory=dict[str, tuple[Reservation, datetime]]
    )
    history: dict[tuple[str, str, str], UsageRecord] = field(
        default_factory=dict[tuple[str, str, str], UsageRecord]
    )


class MemoryQuotas(QuotaStore):
    """Implements `QuotaStore`."""

    def __init__(
        self, *, keeps_history: bool = False, clock: Callable[[], datetime] = _now
    ) -> None:
        self._keeps_history = keeps_history
        self._clock = clock
        self._memory = _Memory()

    def beside(self) -> "MemoryQuotas":
        """Return another worker on the same memory."""
        other = MemoryQuotas(keeps_history=self._keeps_history, clock=self._clock)
        other._memory = self._memory
        return other

    @override
    async def open(self) -> None:
        pass

    @override
    async def close(self) -> None:
        pass

    @override
    async def available(self, limits: Sequence[Limit]) -> Mapping[str, int]:
        quotas = self._memory.quotas
        left: dict[str, int] = {}
        for limit in limits:
            quota = quotas.get(_key(limit))
            left[limit.limiter] = limit.initial_quota if quota is None else quota.available
        return left

    @override
    async def reserve(self, reservation: Reservation) -> None:
        if reservation.reservation_id in self._memory.reservations:
            return
        now = self._clock()
        limits = reservation.limits
        quotas = [
            self._memory.quotas.setdefault(_key(limit), _Quota(limit.initial_quota, now))
            for limit in limits
        ]
        for limit, quota in zip(limits, quotas, strict=True):
            if quota.available - quota.reserved <= 0:
                raise QuotaExceeded.of_subject(limit.subject)
        for quota in quotas:
            quota.reserved += reservation.tokens
        self._memory.reservations[reservation.reservation_id] = reservation, now

    @override
    async def settle(self, reservation_id: str, usage: Usage | None) -> None:
        found = self._memory.reservations.pop(reservation_id, None)
        if found is None:
            return
        self._free(found[0], used=usage.tokens if usage else 0)
        if usage is not None and self._keeps_history:
            self._record(usage)

    @override
    async def release(self, older_than: timedelta) -> int:
        before = self._clock() - older_than
        reservations = self._memory.reservations
        abandoned = [each for each, made_at in reservations.values() if made_at < before]
        for reservation in abandoned:
            del reservations[reservation.reservation_id]
            self._free(reservation, used=0)
        return len(abandoned)

    @override
    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        now = self._clock()
        before = parse_interval(limiter.period).before(now)
        due = [
            quota
            for (name, _), quota in self._memory.quotas.items()
            if name == limiter.name and quota.replenished_at < before
        ]
        for quota in due:
            quota.available = limiter.initial_quota or quota.available + limiter.quota_increase
            quota.replenished_at = now
        return len(due)

    @override
    async def usage(self, user_id: str) -> Sequence[UsageRecord]:
        history = self._memory.history
        return [history[key] for key in sorted(history) if key[0] == user_id]

    def _free(self, reservation: Reservation, *, used: int) -> None:
        for limit in reservation.limits:
            quota = self._memory.quotas[_key(limit)]
            quota.available -= used
            quota.reserved -= reservation.tokens

    def _record(self, usage: Usage) -> None:
        key = (usage.user_id, usage.provider, usage.model)
        before = self._memory.history.get(key)
        total = usage if before is None else _sum(before.total, usage)
        self._memory.history[key] = UsageRecord(total=total, updated_at=self._clock())


def _key(limit: Limit) -> tuple[str, str]:
    return limit.limiter, limit.subject_id


def _sum(one: Usage, other: Usage) -> Usage:
    return replace(
        one,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
    )
