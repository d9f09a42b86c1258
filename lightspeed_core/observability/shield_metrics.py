"""What shields say: how often and how fast. Labels never hold what a user wrote."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# Rules take less than a millisecond, a model some seconds.
_SECONDS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30)


class ShieldMetrics:
    """Checks by shield, direction and outcome, and their durations in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checks = Counter(
            "ls_shield_checks_total",
            "Texts that shields looked at",
            ("shield", "direction", "outcome"),
            registry=registry,
        )
        self._durations = Histogram(
            "ls_shield_duration_seconds",
            "Time that a shield took for a text",
            ("shield", "direction"),
            buckets=_SECONDS,
            registry=registry,
        )

    def shield_checked(self, *, shield: str, direction: str, outcome: str, seconds: float) -> None:
        """Count a check; `direction` is input, output or document."""
        self._checks.labels(shield, direction, outcome).inc()
        self._durations.labels(shield, direction).observe(seconds)
