"""What is counted of quotas. Labels name limiters of the configuration, never who pays."""

from prometheus_client import CollectorRegistry, Counter


class QuotaMetrics:
    """The metrics of quotas, on the registry of the service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refusals = Counter(
            "ls_quota_refusals_total",
            "Questions refused for a quota",
            ("limiter",),
            registry=registry,
        )
        self._charged = Counter(
            "ls_quota_charged_tokens_total", "Tokens charged to quotas", registry=registry
        )
        self._failures = Counter(
            "ls_quota_settlement_failures_total",
            "Turns that could not be charged at their end",
            registry=registry,
        )

    def refused(self, limiter: str) -> None:
        """Count a question that a limiter of the configuration refused."""
        self._refusals.labels(limiter).inc()

    def charged(self, tokens: int) -> None:
        """Count tokens that a turn was charged."""
        self._charged.inc(tokens)

    def settlement_failed(self) -> None:
        """Count a turn whose charge the database did not take; it is tried again."""
        self._failures.inc()
