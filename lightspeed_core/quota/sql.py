"""The store of quotas in an SQL database, the same for every dialect."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final, override

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, select, update

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration
from lightspeed_core.db.database import Database
from lightspeed_core.db.locks import lock_until_commit
from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.errors import QuotaExceeded
from lightspeed_core.quota.models import Limit, Reservation, Usage, UsageRecord
from lightspeed_core.quota.store import QuotaStore
from lightspeed_core.quota.tables import quotas, reservations, token_usage

_IS_KEY: Final = and_(
    quotas.c.limiter == bindparam("of_limiter"), quotas.c.subject_id == bindparam("of_subject")
)
_AVAILABLE: Final = select(quotas.c.available).where(_IS_KEY)
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
    async def available(self, limits: Sequence[Limit]) -> Mapping[str, int]:
        def look(connection: Connection) -> dict[str, int]:
            left: dict[str, int] = {}
            for limit in limits:
                stored = connection.scalar(_AVAILABLE, _key(limit.limiter, limit.subject_id))
                left[limit.limiter] = limit.initial_quota if stored is None else stored
            return left

        return await self._database.read(look)

    @override
    async def reserve(self, reservation: Reservation) -> None:
        now = self._clock()
        exceeded = await self._change(
            lambda connection: self._reserve(connection, reservation, now)
        )
        if exceeded is not None:
            raise QuotaExceeded.of_subject(exceeded.subject)

    @override
    async def settle(self, reservation_id: str, usage: Usage | None) -> None:
        now = self._clock()
        await self._change(lambda connection: self._settle(connection, reservation_id, usage, now))

    @override
    async def release(self, older_than: timedelta) -> int:
        await self._database.set_clock()
        before = self._clock() - older_than
        return await self._change(lambda connection: _release(connection, before))

    @override
    async def replenish(self, limiter: QuotaLimiterConfiguration) -> int:
        await self._database.set_clock()
        now = self._clock()
        renewed = (
            limiter.initial_quota
            if limiter.initial_quota > 0
            else quotas.c.available + limiter.quota_increase
        )
        # One statement, which looks again at a row that somebody else has renewed meanwhile.
        renewal = (
            update(quotas)
            .where(
                quotas.c.limiter == limiter.name,
                quotas.c.replenished_at < parse_interval(limiter.period).before(now),
            )
            .values(available=renewed, replenished_at=now)
        )
        return await self._change(lambda connection: connection.execute(renewal).rowcount)

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
    ) -> Limit | None:
        """Reserve, or return the limit that has nothing left.

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
                return limit
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
    ) -> None:
        removed = _remove(connection, reservation_id)
        if removed is None:
            return
        reserved, keys = removed
        _free(connection, keys, reserved=reserved, used=usage.tokens if usage else 0)
        if usage is not None and self._keeps_history:
            self._record(connection, usage, now)

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


def _record(row: RowMapping) -> UsageRecord:
    fields = dict(row)
    updated_at = fields.pop("updated_at")
    return UsageRecord(total=Usage(**fields), updated_at=updated_at)


def _remove(connection: Connection, reservation_id: str) -> tuple[int, list[_Key]] | None:
    removal = _REMOVE.where(reservations.c.reservation_id == reservation_id)
    row = connection.execute(removal).one_or_none()
    return None if row is None else (row.tokens, json.loads(row.limits))


def _free(connection: Connection, keys: Sequence[_Key], *, reserved: int, used: int) -> None:
    for limiter, subject_id in keys:
        connection.execute(_FREE, _key(limiter, subject_id) | {"taken": reserved, "used": used})


def _release(connection: Connection, before: datetime) -> int:
    abandoned = connection.execute(_REMOVE.where(reservations.c.reserved_at < before)).all()
    for row in abandoned:
        _free(connection, json.loads(row.limits), reserved=row.tokens, used=0)
    return len(abandoned)
