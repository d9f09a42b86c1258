"""Measures of one ranking against the facts of its question. Pure functions."""

import math
from collections.abc import Sequence

from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.evaluation.questions import Question

type Ranks = tuple[int | None, ...]
"""For each fact the rank, from 1, of the first chunk that holds it; None for a fact not found."""


def ranks_of(question: Question, chunks: Sequence[RagChunk]) -> Ranks:
    """Find where a ranking holds each fact first; any of a fact's places will do."""
    return tuple(
        next(
            (
                rank
                for rank, chunk in enumerate(chunks, start=1)
                if any(place.is_in(chunk) for place in places)
            ),
            None,
        )
        for places in question.facts
    )


def recall(ranks: Ranks, depth: int) -> float:
    """Share of the facts that the first `depth` chunks hold: |found| / |facts|."""
    return sum(rank is not None and rank <= depth for rank in ranks) / len(ranks)


def reciprocal_rank(ranks: Ranks) -> float:
    """1 / the rank of the first chunk that holds a fact, 0 where none does.

    Its mean over questions is the MRR of Voorhees, "The TREC-8 question answering track report",
    TREC 1999.
    """
    found = [rank for rank in ranks if rank is not None]
    return 1 / min(found) if found else 0.0


def ndcg(ranks: Ranks, depth: int) -> float:
    """Normalized discounted cumulated gain: DCG / ideal DCG, in [0, 1].

    DCG is the sum of 1 / log2(rank + 1) over the facts within `depth`, each counted where it is
    found first; the ideal has the facts on ranks 1, 2, 3 and so on. Järvelin and Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002. One chunk that holds
    several facts may beat that ideal, so 1 is the most.
    """
    gained = sum(_gain(rank) for rank in ranks if rank is not None and rank <= depth)
    ideal = sum(_gain(rank) for rank in range(1, min(len(ranks), depth) + 1))
    return min(1.0, gained / ideal)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _gain(rank: int) -> float:
    return 1 / math.log2(rank + 1)
