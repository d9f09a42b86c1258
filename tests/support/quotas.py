"""Quotas to test with: limiters, and what counts against them in a store of the test's choice."""

from collections.abc import Callable
from datetime import datetime

from lightspeed_core.config.quota import QuotaLimiterConfiguration, QuotaLimiterType
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.quota.account import QuotasOfRoutes
from lightspeed_core.quota.ledger import Ledger
from lightspeed_core.quota.memory import MemoryQuotas
from lightspeed_core.quota.service import CountedQuotas
from lightspeed_core.quota.store import QuotaStore
from lightspeed_core.quota.subjects import SubjectOf, user_of
from tests.support.databases import ManualClock


def a_limiter(
    name: str = "daily",
    *,
    kind: QuotaLimiterType = QuotaLimiterType.USER,
    initial: int = 1000,
    increase: int = 0,
    period: str = "1 day",
) -> QuotaLimiterConfiguration:
    return QuotaLimiterConfiguration(
        type=kind, name=name, initial_quota=initial, quota_increase=increase, period=period
    )


class Counting:
    """What one worker counts, with the parts that a test looks into."""

    def __init__(
        self,
        *limiters: QuotaLimiterConfiguration,
        store: QuotaStore | None = None,
        subject_of: SubjectOf = user_of,
        wait_seconds: float = 2.0,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.metrics = Metrics()
        self.limiters = limiters or (a_limiter(),)
        self.store = store or MemoryQuotas(keeps_history=True, clock=clock or self.clock)
        self.ledger = Ledger(self.store, self.metrics.quotas, wait_seconds=wait_seconds)
        self.quotas = CountedQuotas(
            self.ledger, self.limiters, subject_of=subject_of, clock=clock or self.clock
        )
        self.of_routes = QuotasOfRoutes(turns=self.quotas, infer=self.quotas)

    def counted(self, line: str) -> bool:
        """Say whether the metrics have a line."""
        return f"\n{line}\n" in self.metrics.render().decode()
