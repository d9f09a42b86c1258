"""The store of quotas in memory, until the process ends."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import override

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.quota.models import (
    Limit,
    Reservation,
    Standing,
    Usage,
    UsageRecord,
)
from lightspeed_core.quota.store import FUTURE, QuotaStore


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


class MemoryQuotas(MemoryStore, QuotaStore):
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
    async def standings(self, limits: Sequence[Limit]) -> Sequence[Standing]:
        return [self._standing(limit) for limit in limits]

    @override
    async def reserve(self, reservation: Reservation) -> Standing | None:
        if reservation.reservation_id in self._memory.reservations:
            return None
        now = self._clock()
        limits = reservation.limits
        quotas = [
            self._memory.quotas.setdefault(_key(limit), _Quota(limit.initial_quota, now))
            for limit in limits
        ]
        for limit, quota in zip(limits, quotas, strict=True):
            if quota.available - quota.reserved <= 0:
                return self._standing(limit)
        for quota in quotas:
            quota.reserved += reservation.tokens
        self._memory.reservations[reservation.reservation_id] = reservation, now
        return None

    @override
    async def settle(self, reservation_id: str, usage: Usage | None) -> Mapping[str, int]:
        found = self._memory.reservations.pop(reservation_id, None)
        if found is None:
            return {}
        self._free(found[0], used=usage.tokens if usage else 0)
        if usage is not None and self._keeps_history:
            self._record(usage)
        return {limit.limiter: self._standing(limit).available for limit in found[0].limits}

    @override
    async def keep(self, reservation_ids: Collection[str]) -> None:
        reservations, now = self._memory.reservations, self._clock()
        for reservation_id in reservation_ids & reservations.keys():
            reservations[reservation_id] = reservations[reservation_id][0], now

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
        quotas = [quota for (name, _), quota in self._memory.quotas.items() if name == limiter.name]
        for quota in quotas:
            if quota.replenished_at > now + FUTURE:
                quota.replenished_at = now
        due = [quota for quota in quotas if quota.replenished_at < before]
        for quota in due:
            quota.available = limiter.initial_quota or quota.available + limiter.quota_increase
            quota.replenished_at = now
        return len(due)

    @override
    async def usage(self, user_id: str) -> Sequence[UsageRecord]:
        history = self._memory.history
        return [history[key] for key in sorted(history) if key[0] == user_id]

    def _standing(self, limit: Limit) -> Standing:
        quota = self._memory.quotas.get(_key(limit))
        if quota is None:
            return Standing(limit=limit, available=limit.initial_quota)
        return Standing(limit=limit, available=quota.available, replenished_at=quota.replenished_at)

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
