"""Asks one vector store every question and measures what it finds; knows the engine port alone."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import SearchMode
from lightspeed_core.evaluation.bootstrap import Estimate, Sample, estimate, evenly
from lightspeed_core.evaluation.measures import (
    Ranks,
    ndcg,
    percentile,
    ranks_of,
    recall,
    reciprocal_rank,
)
from lightspeed_core.evaluation.questions import Question

DEPTH: Final = 10
_COMPARED: Final = "recall@5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one call took, in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeResult:
    """What one way of searching found.

    `difference` is its recall@5 less that of the first way measured, question by question;
    `missed` are the questions of which no fact is among the first ten chunks.
    """

    mode: SearchMode
    figures: dict[str, Estimate | None]
    difference: Estimate | None
    latency: Latency
    missed: tuple[str, ...]


async def measure_modes(
    engine: Engine, store_id: str, questions: Sequence[Question], modes: Sequence[SearchMode]
) -> tuple[ModeResult, ...]:
    """Search for every question in every mode. Raises as `Engine.search` does.

    Questions that the store does not answer are left out; `questions` holds at least one other.
    """
    asked = [question for question in questions if question.is_answerable]
    found = {mode: await _ask(engine, store_id, asked, mode) for mode in modes}
    samples = {
        (mode, name): sample
        for mode, (ranks, _) in found.items()
        for name, sample in _samples(ranks).items()
    }
    estimates = _estimates(samples, modes)
    return tuple(
        ModeResult(
            mode=mode,
            figures={name: estimates[f"{mode} {name}"] for name in _samples([])},
            difference=estimates.get(f"{mode} less"),
            latency=latency_of(seconds),
            missed=tuple(
                question.question_id
                for question, each in zip(asked, ranks, strict=True)
                if not any(each)
            ),
        )
        for mode, (ranks, seconds) in found.items()
    )


def latency_of(seconds: Sequence[float]) -> Latency:
    """Summarize measured times; there is at least one."""
    return Latency(
        p50_ms=round(percentile(seconds, 0.5) * 1000, 1),
        p95_ms=round(percentile(seconds, 0.95) * 1000, 1),
    )


async def _ask(
    engine: Engine, store_id: str, questions: Sequence[Question], mode: SearchMode
) -> tuple[list[Ranks], list[float]]:
    # The first search of a process loads models and indexes, which is no matter of a question.
    await engine.search(store_id, questions[0].text, limit=DEPTH, mode=mode)
    ranks: list[Ranks] = []
    seconds: list[float] = []
    for question in questions:
        began = time.perf_counter()
        chunks = await engine.search(store_id, question.text, limit=DEPTH, mode=mode)
        seconds.append(time.perf_counter() - began)
        ranks.append(ranks_of(question, chunks))
    return ranks, seconds


def _samples(ranks: Iterable[Ranks]) -> dict[str, Sample]:
    ranks = list(ranks)
    return {
        "recall@1": evenly([recall(each, 1) for each in ranks]),
        "recall@5": evenly([recall(each, 5) for each in ranks]),
        "recall@10": evenly([recall(each, DEPTH) for each in ranks]),
        "nDCG@10": evenly([ndcg(each, DEPTH) for each in ranks]),
        "MRR": evenly([reciprocal_rank(each) for each in ranks]),
    }


def _estimates(
    samples: dict[tuple[SearchMode, str], Sample], modes: Sequence[SearchMode]
) -> dict[str, Estimate | None]:
    together = {f"{mode} {name}": sample for (mode, name), sample in samples.items()}
    first = samples[modes[0], _COMPARED]
    for mode in modes[1:]:
        pairs = zip(samples[mode, _COMPARED], first, strict=True)
        together[f"{mode} less"] = evenly([one - other for (one, _), (other, _) in pairs])
    return estimate(together)
