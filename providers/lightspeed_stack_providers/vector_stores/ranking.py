"""Scores in [0, 1] for every way to search, and the fusion of two rankings. Pure functions."""

from collections.abc import Sequence
from typing import Final

type Ranking = list[tuple[int, float]]
"""Chunk keys with their scores, best first."""

RRF_K: Final = 60
BM25_PIVOT: Final = 10.0


def cosine_score(cosine: float) -> float:
    """Clamp a cosine to [0, 1]: what points away from the question is as unfit as what is unlike.

    The score keeps the cosine's own scale, on which thresholds for embedding models are given.
    """
    return min(1.0, max(0.0, cosine))


def bm25_score(bm25: float) -> float:
    """Map a BM25 sum from [0, ∞) to [0, 1), order kept: s / (s + 10).

    It is Lucene's saturation function (`FeatureField.newSaturationQuery`); the pivot, which gets
    0.5, is about what a chunk reaches that holds two or three rare words of the question.
    """
    return bm25 / (bm25 + BM25_PIVOT)


def fuse(rankings: Sequence[Sequence[int]], *, k: float = RRF_K) -> Ranking:
    """Fuse two rankings of keys by reciprocal rank: the sum of 1 / (k + rank), rank from 1.

    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009, with their k = 60. Scaled by (k + 1) / 2, so that the first
    of both rankings gets 1 and the first of one alone 0.5. Equal scores are ordered by key.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + (k + 1) / (2 * (k + rank))
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [(key, min(1.0, score)) for key, score in ordered]
