"""What one measured batch of requests brought."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """Seconds throughout; `cpu` is that of the measured process, all threads together."""

    requests: int
    failed: int
    wall: float
    p50: float
    p95: float
    first_p50: float
    cpu: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per request."""
        return 1000 * self.cpu / self.requests

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.wall


def batch_of(
    wall: float, latencies: Sequence[float], firsts: Sequence[float], *, failed: int, cpu: float = 0
) -> Batch:
    """Sum up the requests of a batch; none of them may have failed silently."""
    return Batch(
        requests=len(latencies),
        failed=failed,
        wall=wall,
        p50=statistics.median(latencies),
        p95=percentile(latencies, 0.95),
        first_p50=statistics.median(firsts) if firsts else 0.0,
        cpu=cpu,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
