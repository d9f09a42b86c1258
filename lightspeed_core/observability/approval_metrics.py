"""Questions whether tools may be called, and their answers. Labels never name a user or a tool."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class ApprovalMetrics:
    """The metrics of approvals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._asked = Counter(
            "ls_approvals_asked_total",
            "Tool calls that a user was asked to allow",
            registry=registry,
        )
        self._answered = Counter(
            "ls_approvals_answered_total",
            "Tool calls that were approved or denied, or whose time to answer expired",
            ("state",),
            registry=registry,
        )
        self._waits = Histogram(
            "ls_approval_wait_seconds",
            "Time between a question and its answer",
            ("state",),
            buckets=_SECONDS,
            registry=registry,
        )

    def asked(self) -> None:
        """Count a question."""
        self._asked.inc()

    def answered(self, state: str, seconds: float) -> None:
        """Count an answer and how long it took; `state` is that of the approval then."""
        self._answered.labels(state).inc()
        self._waits.labels(state).observe(seconds)
