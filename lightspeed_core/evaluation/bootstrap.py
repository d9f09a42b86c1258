"""How sure a figure is that was measured on few questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

ROUNDS: Final = 1000
SEED: Final = 20251
_INTERVAL: Final = (2.5, 97.5)

type Sample = Sequence[tuple[float, float]]
"""For each question what is added to the numerator and to the denominator of a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(
    samples: Mapping[str, Sample], *, rounds: int = ROUNDS, seed: int = SEED
) -> dict[str, Estimate | None]:
    """Estimate figures, each Σ numerators / Σ denominators, over the same questions.

    Percentile bootstrap: the questions are drawn anew with replacement `rounds` times, and the
    interval reaches from the 2.5th to the 97.5th percentile of the figures that result. Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. All figures see the same
    draws, so that a difference of two is paired; equal seeds give equal intervals. A figure whose
    denominator is 0 is None.
    """
    size = max(map(len, samples.values()), default=0)
    if size == 0:
        return dict.fromkeys(samples)
    drawn = np.random.default_rng(seed).integers(size, size=(rounds, size))
    # How often each question was drawn in each round; a sum over draws is then a product.
    counts = np.array([np.bincount(each, minlength=size) for each in drawn], dtype=np.float64)
    return {name: _estimate(sample, counts) for name, sample in samples.items()}


def evenly(values: Sequence[float]) -> Sample:
    """Make a sample of values that count the same."""
    return [(value, 1.0) for value in values]


def _estimate(sample: Sample, counts: "np.typing.NDArray[np.float64]") -> Estimate | None:
    parts = np.array(sample, dtype=np.float64).reshape(len(sample), 2)
    numerator, denominator = parts.sum(axis=0)
    if denominator == 0:
        return None
    drawn = counts @ parts
    figures = drawn[drawn[:, 1] > 0]
    low, high = np.percentile(figures[:, 0] / figures[:, 1], _INTERVAL)
    return Estimate(value=float(numerator / denominator), low=float(low), high=float(high))
