"""Which units answer a question: first by its words, then by its meaning.

Knows nothing of models: the meaning is a list of cosines that somebody else computed.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lightspeed_stack_providers.extractive.passages import Passage
from lightspeed_stack_providers.extractive.terms import terms
from lightspeed_stack_providers.extractive.units import Unit, split_units

MOST_CANDIDATES: Final = 6  # each costs an inference of about ten milliseconds
MOST_QUOTES: Final = 3

# A word of the heading or the title says what a unit is about, though not that it says it.
_CONTEXT_WEIGHT: Final = 0.5
# Of what is said twice, as overlapping chunks do, one is enough.
_SAME: Final = 0.8
# Whoever repeats a question and says so many words more may well answer it.
_ANSWERS_FROM: Final = 4
# A quote far weaker than the best one adds noise.
_WORTH_ADDING: Final = 0.6
# Words alone: this share of what the question asks for, weighted by rarity, must be there.
OVERLAP_THRESHOLD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit of the passage `number`; `overlap` is the share of the question in it, in [0, 1]."""

    number: int
    unit: Unit
    overlap: float


@dataclass(frozen=True, slots=True)
class Quote:
    """A text to be quoted and the number of its passage."""

    number: int
    text: str
    score: float


def shortlist(question: str, passages: Sequence[Passage]) -> list[Candidate]:
    """Find the units that share the most words with the question, best first.

    A word counts by its rarity among the units (inverse document frequency, as in BM25).
    """
    asked = terms(question)
    units = [
        (passage, unit)
        for passage in passages
        for unit in split_units(passage.text)
        if not _is_echo(unit.text, asked)
    ]
    words = [frozenset(terms(unit.text)) for _, unit in units]
    weights = _weights(frozenset(asked), words)
    candidates = [
        Candidate(passage.number, unit, _overlap(weights, own, f"{passage.title} {unit.context}"))
        for (passage, unit), own in zip(units, words, strict=True)
    ]
    candidates.sort(key=lambda candidate: -candidate.overlap)
    return _distinct(candidates, MOST_CANDIDATES)


def _is_echo(text: str, asked: Sequence[str]) -> bool:
    """Say whether a text asks the same question, as an example in a manual does."""
    if "?" not in text or not asked:
        return False
    own = terms(text)
    if len(own) - len(asked) >= _ANSWERS_FROM:
        return False
    starts = range(len(own) - len(asked) + 1)
    return any(own[start : start + len(asked)] == asked for start in starts)


def _weights(question: frozenset[str], units: Sequence[frozenset[str]]) -> dict[str, float]:
    frequency = Counter(term for unit in units for term in unit & question)
    return {
        term: math.log1p((len(units) - frequency[term] + 0.5) / (frequency[term] + 0.5))
        for term in question
    }


def _overlap(weights: dict[str, float], own: frozenset[str], context: str) -> float:
    total = sum(weights.values())
    around = frozenset(terms(context)) - own
    found = sum(weight for term, weight in weights.items() if term in own)
    hinted = sum(weight for term, weight in weights.items() if term in around)
    return (found + _CONTEXT_WEIGHT * hinted) / total if total else 0.0


def _distinct(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    chosen: list[Candidate] = []
    seen: list[frozenset[str]] = []
    for candidate in candidates:
        words = frozenset(terms(candidate.unit.text))
        if any(_likeness(words, other) >= _SAME for other in seen):
            continue
        seen.append(words)
        chosen.append(candidate)
        if len(chosen) == limit:
            break
    return chosen


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def best_quotes(
    candidates: Sequence[Candidate], cosines: Sequence[float] | None, threshold: float
) -> list[Quote]:
    """Choose what to quote, best first; empty when nothing is good enough.

    The score is the mean of overlap and cosine; without cosines it is the overlap.
    """
    if cosines is None:
        scored = [(c, c.overlap) for c in candidates]
        threshold = OVERLAP_THRESHOLD
    else:
        scored = [(c, (c.overlap + x) / 2) for c, x in zip(candidates, cosines, strict=True)]
    scored.sort(key=lambda pair: -pair[1])
    floor = max(threshold, scored[0][1] * _WORTH_ADDING) if scored else threshold
    return [
        Quote(candidate.number, candidate.unit.text, score)
        for candidate, score in scored[:MOST_QUOTES]
        if score >= floor
    ]
