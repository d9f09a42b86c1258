"""How much room is taken, and who was refused for want of it. Labels never name a user."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class RoomMetrics:
    """The metrics of admissions; `kind` is `turns` or `readers`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._places = Gauge(
            "ls_open_places",
            "Places that turns and their readers hold at this moment",
            ("kind",),
            registry=registry,
        )
        self._refusals = Counter(
            "ls_turned_away_total",
            "Requests refused for want of room",
            ("kind", "reason"),
            registry=registry,
        )

    def show_places(self, kind: str, taken: Callable[[], int]) -> None:
        """Show places that are taken at the time of a scrape."""
        self._places.labels(kind).set_function(taken)

    def turned_away(self, kind: str, reason: str) -> None:
        """Count a refusal; `reason` is `service` or `user`."""
        self._refusals.labels(kind, reason).inc()
