"""How fast turns are, and how many are read along: observed once a turn or once a batch.

Nothing here is done for each token. Labels never hold what a user wrote.
"""

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

from lightspeed_core.errors import LightspeedError

# A reader notices tenths of a second; a model that thinks takes up to a minute.
_FIRST_TOKEN_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
# With long answers and tools a turn takes minutes.
_TURN_SECONDS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
# Local indexes take milliseconds, a busy or distant store seconds.
_RETRIEVAL_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
# A commit takes milliseconds; whoever needs seconds does not keep up.
_JOURNAL_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class TurnMetrics:
    """Durations in seconds, and the streams that are open."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._first_tokens = Histogram(
            "ls_time_to_first_token_seconds",
            "Time from a question to the first text of its answer",
            ("provider", "model", "endpoint"),
            buckets=_FIRST_TOKEN_SECONDS,
            registry=registry,
        )
        self._turns = Histogram(
            "ls_turn_duration_seconds",
            "Time from a question to the end of its answer",
            ("endpoint", "outcome"),
            buckets=_TURN_SECONDS,
            registry=registry,
        )
        self._retrievals = Histogram(
            "ls_retrieval_duration_seconds",
            "Time to search the vector stores of a turn",
            ("result",),
            buckets=_RETRIEVAL_SECONDS,
            registry=registry,
        )
        self._journal = Histogram(
            "ls_journal_lag_seconds",
            "Time from a batch of events to its commit in the journal",
            buckets=_JOURNAL_SECONDS,
            registry=registry,
        )
        self._streams = Gauge(
            "ls_running_streams", "Streams that clients read at this moment", registry=registry
        )

    def first_text_came(self, *, provider: str, model: str, endpoint: str, seconds: float) -> None:
        """Note how long a turn took to its first text."""
        self._first_tokens.labels(provider, model, endpoint).observe(seconds)

    def turn_ended(self, *, endpoint: str, outcome: str, seconds: float) -> None:
        """Note how long a turn took; `outcome` is completed, interrupted or failed."""
        self._turns.labels(endpoint, outcome).observe(seconds)

    @contextmanager
    def retrieval(self) -> Generator[None]:
        """Time a search; one that is cancelled is not counted."""
        began = time.perf_counter()
        try:
            yield
        except LightspeedError:
            self._retrievals.labels("failure").observe(time.perf_counter() - began)
            raise
        self._retrievals.labels("success").observe(time.perf_counter() - began)

    def journaled(self, seconds: float) -> None:
        """Note how long a batch waited for its commit."""
        self._journal.observe(seconds)

    def stream(self) -> AbstractContextManager[None]:
        """Count a stream as long as it is open."""
        return _open(self._streams)


@contextmanager
def _open(gauge: Gauge) -> Generator[None]:
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()
