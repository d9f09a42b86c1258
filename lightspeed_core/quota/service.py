"""Quotas as turns meet them: whose they are, when one refuses, and what is told of them.

How much a turn reserves is the matter of whoever calls the model.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, override
from uuid import uuid4

from lightspeed_core.config.interval import parse_interval
from lightspeed_core.config.quota import QuotaLimiterConfiguration, QuotaLimiterType
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.errors import QuotaExceeded, StoreUnavailable
from lightspeed_core.quota.account import Account, Quotas
from lightspeed_core.quota.ledger import Ledger
from lightspeed_core.quota.models import (
    Limit,
    Reservation,
    Standing,
    Subject,
    SubjectKind,
    Usage,
)
from lightspeed_core.quota.subjects import SubjectOf

logger = logging.getLogger(__name__)

RESERVED_RETRY_SECONDS: Final = 5.0
"""Sent where tokens are left that running turns have reserved."""

LONGEST_RETRY_SECONDS: Final = 86_400.0

# The names under which clients of the original service know them.
_CLASSES: Final = {
    QuotaLimiterType.USER: "UserQuotaLimiter",
    QuotaLimiterType.CLUSTER: "ClusterQuotaLimiter",
}


def _now() -> datetime:
    return datetime.now(UTC)


class CountedQuotas(Quotas):
    """Counts what callers use against the limiters of the configuration.

    `subject_of` says whose tokens a caller's questions cost.
    """

    def __init__(
        self,
        ledger: Ledger,
        limiters: Iterable[QuotaLimiterConfiguration],
        *,
        subject_of: SubjectOf,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.ledger = ledger
        self._limiters = {limiter.name: limiter for limiter in limiters}
        self._subject_of = subject_of
        self._clock = clock

    @override
    def account(self, caller: Identity, model: ModelRef) -> Account:
        subject = self._subject_of(caller)
        limits = tuple(_limit_of(limiter, subject) for limiter in self._limiters.values())
        return _CountedAccount(self, limits, caller.user_id, model)

    def refusal(self, standing: Standing, needed: int) -> QuotaExceeded:
        """Return the refusal of a limit that has nothing left; it is counted and logged."""
        limit = standing.limit
        self.ledger.metrics.refused(limit.limiter)
        logger.info("quota refused a turn limiter=%s", limit.limiter)
        if standing.is_spent:
            retry_after = self._seconds_until_renewed(standing)
            return QuotaExceeded.of_subject(limit.subject, retry_after=retry_after)
        return QuotaExceeded.of_shortage(limit.subject, needed, retry_after=RESERVED_RETRY_SECONDS)

    def by_class(self, left: Mapping[str, int]) -> Mapping[str, int]:
        """Return the least that is left by the class of limiter."""
        classes: dict[str, int] = {}
        for name, available in left.items():
            key = _CLASSES[self._limiters[name].type]
            classes[key] = min(available, classes.get(key, available))
        return classes

    def _seconds_until_renewed(self, standing: Standing) -> float:
        """Say when tokens will be there again, for all that is known now."""
        limiter = self._limiters[standing.limit.limiter]
        renewed = limiter.initial_quota or limiter.quota_increase
        if standing.replenished_at is None or not renewed:
            return LONGEST_RETRY_SECONDS
        missing = 1 if limiter.initial_quota else 1 - standing.available
        period = parse_interval(limiter.period).after(standing.replenished_at)
        period -= standing.replenished_at
        elapsed = self._clock() - standing.replenished_at
        seconds = math.ceil(missing / renewed) * period.total_seconds() - elapsed.total_seconds()
        return min(max(seconds, 1.0), LONGEST_RETRY_SECONDS)


def _limit_of(limiter: QuotaLimiterConfiguration, subject: Subject) -> Limit:
    if limiter.type is QuotaLimiterType.CLUSTER:
        subject = Subject(SubjectKind.CLUSTER, "")
    return Limit(
        limiter=limiter.name,
        kind=subject.kind,
        subject_id=subject.subject_id,
        initial_quota=limiter.initial_quota,
    )


class _CountedAccount(Account):
    def __init__(
        self, quotas: CountedQuotas, limits: tuple[Limit, ...], user_id: str, model: ModelRef
    ) -> None:
        self._quotas = quotas
        self._ledger = quotas.ledger
        self._limits = limits
        self._user_id = user_id
        self._model = model
        self._reservation_id = str(uuid4())
        self._may_be_reserved = False
        self._used: TokenUsage | None = None

    @property
    @override
    def is_counted(self) -> bool:
        return True

    @override
    def beside(self) -> Account:
        return _CountedAccount(self._quotas, self._limits, self._user_id, self._model)

    @override
    async def check(self) -> None:
        for standing in await self._ledger.store.standings(self._limits):
            # Whoever was never seen becomes known when they are to reserve.
            if standing.is_spent and standing.replenished_at is not None:
                raise self._quotas.refusal(standing, needed=1)

    @override
    async def reserve(self, tokens: int, *, wait: bool = True) -> None:
        if self._may_be_reserved:
            return
        reservation = Reservation(
            reservation_id=self._reservation_id, limits=self._limits, tokens=tokens
        )
        self._may_be_reserved = True
        standing = await self._ledger.reserve(reservation, wait=wait)
        if standing is not None:
            self._may_be_reserved = not standing.is_spent  # the wait was cut in the middle of a try
            raise self._quotas.refusal(standing, needed=tokens)

    @override
    def use(self, usage: TokenUsage) -> None:
        self._used = usage if self._used is None else self._used + usage

    @override
    async def settle(self) -> Mapping[str, int]:
        if not self._may_be_reserved:
            return {}
        self._may_be_reserved = False
        reservation_id, self._reservation_id = self._reservation_id, str(uuid4())
        used, self._used = self._used, None
        return self._quotas.by_class(await self._ledger.settle(reservation_id, self._usage(used)))

    @override
    async def left(self) -> Mapping[str, int]:
        try:
            standings: Sequence[Standing] = await self._ledger.store.standings(self._limits)
        except StoreUnavailable as error:
            logger.warning("quotas were not read cause=%s", error.cause)
            return {}
        return self._quotas.by_class({each.limit.limiter: each.available for each in standings})

    def _usage(self, used: TokenUsage | None) -> Usage | None:
        if used is None:
            return None
        return Usage(
            user_id=self._user_id,
            provider=self._model.provider,
            model=self._model.model,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
        )
