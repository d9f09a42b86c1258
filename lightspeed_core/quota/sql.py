"""The store of quotas in an SQL database, the same for every dialect."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final, override

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, or_, select, update

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.db.database import Database
from lightspeed_core.db.locks import lock_until_commit
from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.quota.models import (
    Limit,
    Reservation,
    Standing,
    Usage,
    UsageRecord,
)
from lightspeed_core.quota.store import FUTURE, QuotaStore
from lightspeed_core.quota.tables import quotas, reservations, token_usage

_IS_KEY: Final = and_(
    quotas.c.limiter == bindparam("of_limiter"), quotas.c.subject_id == bindparam("of_subject")
)
_STANDING: Final = select(quotas.c.available, quotas.c.replenished_at).where(_IS_KEY)
_RESERVE: Final = (
    update(quotas)
    .where(_IS_KEY, quotas.c.available > quotas.c.reserved)
    .values(reserved=quotas.c.reserved + bindparam("taken"))
)
_FREE: Final = (
    update(quotas)
    .where(_IS_KEY)
    .values(
        available=quotas.c.available - bindparam("used"),
        reserved=quotas.c.reserved - bindparam("taken"),
    )
    .returning(quotas.c.available)
)
_KEEP: Final = (
    update(reservations)
    .where(reservations.c.reservation_id.in_(bindparam("ids", expanding=True)))
    .values(reserved_at=bindparam("kept_at"))
)
_REMOVE: Final = delete(reservations).returning(reservations.c.tokens, reservations.c.limits)
_HISTORY: Final = (
    select(token_usage)
    .where(token_usage.c.user_id == bindparam("of_user"))
    .order_by(token_usage.c.provider, token_usage.c.model)
)
_LOCK: Final = "lcs_quotas"
_USAGE_KEY: Final = ("user_id", "provider", "model")

type _Key = tuple[str, str]


class SqlQuotas(DatabaseStore, QuotaStore):
    """Implements `QuotaStore` over a database that other stores may share.

    Times go by `clock`, and without one by the database's.
    """

    def __init__(
        self,
        database: Database,
        *,
        keeps_history: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(database)
        self._keeps_history = keeps_history
        self._clock = clock or database.clock

    @override
    async def standings(self, limits: Sequence[Limit]) -> Sequence[Standing]:
        return await self._database.read(
            lambda connection: [_standing(connection, limit) for limit in limits]
        )

    @override
    async def reserve(self, reservation: Reservation) -> Standing | None:
        now = self._clock()
        return await self._change(lambda connection: self._reserve(connection, reservation, now))

    @override
    async def settle(self, reservation_id: str, usage: Usage | None) -> Mapping[str, int]:
        now = self._clock()
        return await self._change(
            lambda connection: self._settle(connection, reservation_id, usage, now)
        )

    @override
    async def keep(self, reservation_ids: Collection[str]) -> None:
        row = {"ids": list(reservation_ids), "kept_at": self._clock()}
        await self._change(lambda connection: connection.execute(_KEEP, row))

    @override
    async def release(self, older_than: timedelta) -> int:
        await self._database.set_clock()
        before = self._clock() - older_than
        return await self._change(lambda connection: _release(connection, before))

    @override
    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        await self._database.set_clock()
        now = self._clock()
        is_due = quotas.c.replenished_at < parse_interval(limiter.period).before(now)
        is_ahead = quotas.c.replenished_at > now + FUTURE
        of_limiter = quotas.c.limiter == limiter.name
        # Workers look often and seldom find something to do.
        found = select(quotas.c.limiter).where(of_limiter, or_(is_due, is_ahead)).limit(1)
        if not await self._database.read(lambda connection: connection.scalar(found)):
            return 0
        renewed = (
            limiter.initial_quota
            if limiter.initial_quota > 0
            else quotas.c.available + limiter.quota_increase
        )
        # One statement each, which looks again at a row that somebody has changed meanwhile.
        renewal = update(quotas).where(of_limiter, is_due)
        renewal = renewal.values(available=renewed, replenished_at=now)
        correction = update(quotas).where(of_limiter, is_ahead).values(replenished_at=now)

        def renew(connection: Connection) -> int:
            connection.execute(correction)
            return connection.execute(renewal).rowcount

        return await self._change(renew)

    @override
    async def usage(self, user_id: str) -> Sequence[UsageRecord]:
        def look(connection: Connection) -> list[UsageRecord]:
            rows = connection.execute(_HISTORY, {"of_user": user_id}).mappings()
            return [_record(row) for row in rows]

        return await self._database.read(look)

    async def _change[T](self, work: Callable[[Connection], T]) -> T:
        """Have the writer do it while no other worker changes quotas.

        Workers group calls of many users in orders of their own; row by row they would lock each
        other out.
        """

        def alone(connection: Connection) -> T:
            lock_until_commit(connection, _LOCK)
            return work(connection)

        return await self._database.writer.call(alone)

    def _reserve(
        self, connection: Connection, reservation: Reservation, now: datetime
    ) -> Standing | None:
        """Reserve, or return how the limit stands that has nothing left.

        Raised here, a refusal would undo the writes of others; what it took is given back.
        """
        limits = reservation.limits
        keys = [(limit.limiter, limit.subject_id) for limit in limits]
        if not self._announce(connection, reservation, keys, now):
            return None  # A write whose commit went unheard comes again.
        for index, limit in enumerate(limits):
            if not self._take(connection, limit, reservation.tokens, now):
                _remove(connection, reservation.reservation_id)
                _free(connection, keys[:index], reserved=reservation.tokens, used=0)
                return _standing(connection, limit)
        return None

    def _take(self, connection: Connection, limit: Limit, tokens: int, now: datetime) -> bool:
        """Reserve from one limit; false when it has nothing left."""
        key = _key(limit.limiter, limit.subject_id) | {"taken": tokens}
        if connection.execute(_RESERVE, key).rowcount:
            return True
        return self._begin(connection, limit, now) and bool(
            connection.execute(_RESERVE, key).rowcount
        )

    def _announce(
        self, connection: Connection, reservation: Reservation, keys: Sequence[_Key], now: datetime
    ) -> bool:
        new = insert_for(self._database.dialect, reservations).on_conflict_do_nothing()
        row = {
            "reservation_id": reservation.reservation_id,
            "tokens": reservation.tokens,
            "limits": json.dumps(keys),
            "reserved_at": now,
        }
        return connection.execute(new, row).rowcount > 0

    def _begin(self, connection: Connection, limit: Limit, now: datetime) -> bool:
        """Give a subject its initial quota; false when it is none that is seen first."""
        new = insert_for(self._database.dialect, quotas).on_conflict_do_nothing()
        row = {
            "limiter": limit.limiter,
            "subject_id": limit.subject_id,
            "available": limit.initial_quota,
            "reserved": 0,
            "replenished_at": now,
        }
        return connection.execute(new, row).rowcount > 0

    def _settle(
        self, connection: Connection, reservation_id: str, usage: Usage | None, now: datetime
    ) -> dict[str, int]:
        removed = _remove(connection, reservation_id)
        if removed is None:
            return {}
        reserved, keys = removed
        if usage is not None and self._keeps_history:
            self._record(connection, usage, now)
        return _free(connection, keys, reserved=reserved, used=usage.tokens if usage else 0)

    def _record(self, connection: Connection, usage: Usage, now: datetime) -> None:
        new = insert_for(self._database.dialect, token_usage)
        totals = {
            "input_tokens": token_usage.c.input_tokens + new.excluded.input_tokens,
            "output_tokens": token_usage.c.output_tokens + new.excluded.output_tokens,
            "updated_at": new.excluded.updated_at,
        }
        upsert = new.on_conflict_do_update(index_elements=_USAGE_KEY, set_=totals)
        connection.execute(upsert, asdict(usage) | {"updated_at": now})


def _key(limiter: str, subject_id: str) -> dict[str, str | int]:
    return {"of_limiter": limiter, "of_subject": subject_id}


def _standing(connection: Connection, limit: Limit) -> Standing:
    stored = connection.execute(_STANDING, _key(limit.limiter, limit.subject_id)).one_or_none()
    if stored is None:
        return Standing(limit=limit, available=limit.initial_quota)
    return Standing(limit=limit, available=stored.available, replenished_at=stored.replenished_at)


def _record(row: RowMapping) -> UsageRecord:
    fields = dict(row)
    updated_at = fields.pop("updated_at")
    return UsageRecord(total=Usage(**fields), updated_at=updated_at)


def _remove(connection: Connection, reservation_id: str) -> tuple[int, list[_Key]] | None:
    removal = _REMOVE.where(reservations.c.reservation_id == reservation_id)
    row = connection.execute(removal).one_or_none()
    return None if row is None else (row.tokens, json.loads(row.limits))


def _free(
    connection: Connection, keys: Sequence[_Key], *, reserved: int, used: int
) -> dict[str, int]:
    """Take back what was reserved and charge what was used; return what is left, by limiter."""
    amounts = {"taken": reserved, "used": used}
    left: dict[str, int] = {}
    for limiter, subject_id in keys:
        available = connection.scalar(_FREE, _key(limiter, subject_id) | amounts)
        if available is not None:
            left[limiter] = available
    return left


def _release(connection: Connection, before: datetime) -> int:
    abandoned = connection.execute(_REMOVE.where(reservations.c.reserved_at < before)).all()
    for row in abandoned:
        _free(connection, json.loads(row.limits), reserved=row.tokens, used=0)
    return len(abandoned)
