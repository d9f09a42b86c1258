"""Has questions answered and holds the citations against the facts; knows no store."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import LightspeedError
from lightspeed_core.evaluation.bootstrap import Estimate, Sample, estimate
from lightspeed_core.evaluation.questions import Question
from lightspeed_core.evaluation.retrieval import Latency, latency_of

type Ask = Callable[[str], Awaitable[Turn]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersResult:
    """What answers were worth; `failed` says of questions whose turn failed why it did."""

    figures: dict[str, Estimate | None]
    latency: Latency
    failed: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Judged:
    question: Question
    citations: int
    right: int


async def measure_answers(ask: Ask, questions: Sequence[Question]) -> AnswersResult:
    """Ask every question in a turn of its own; a turn that fails counts as no answer."""
    judged: list[_Judged] = []
    seconds: list[float] = []
    failed: dict[str, str] = {}
    for question in questions:
        began = time.perf_counter()
        try:
            turn = await ask(question.text)
        except LightspeedError as error:
            failed[question.question_id] = error.cause
            judged.append(_Judged(question, 0, 0))
        else:
            judged.append(_judge(question, turn))
        seconds.append(time.perf_counter() - began)
    return AnswersResult(
        figures=estimate(_samples(judged)), latency=latency_of(seconds), failed=failed
    )


def _judge(question: Question, turn: Turn) -> _Judged:
    """Count the citations, and those whose passage holds a fact of the question."""
    right = 0
    for citation in turn.citations:
        chunk = turn.rag_chunks[int(citation.marker.strip("[]")) - 1]
        right += any(place.is_in(chunk) for places in question.facts for place in places)
    return _Judged(question, len(turn.citations), right)


def _samples(judged: Sequence[_Judged]) -> dict[str, Sample]:
    """Say what is counted.

    - answered: answerable questions whose answer has a checked citation / answerable questions
    - rightly answered: those with a citation of a passage that holds a fact / answerable questions
    - wrongly answered: the same as answered, of the questions that the store does not answer
    - citation precision: citations of passages that hold a fact / citations, of answers to
      answerable questions. Gao et al., "Enabling large language models to generate text with
      citations", EMNLP 2023, judge by a model what is judged here by the place of the fact.
    """
    return {
        "answered": _share(judged, lambda each: each.citations > 0),
        "rightly answered": _share(judged, lambda each: each.right > 0),
        "wrongly answered": _share(judged, lambda each: each.citations > 0, answerable=False),
        "citation precision": [
            (each.right, each.citations) if each.question.is_answerable else (0, 0)
            for each in judged
        ],
    }


def _share(
    judged: Sequence[_Judged], holds: Callable[[_Judged], bool], *, answerable: bool = True
) -> Sample:
    counted = [each.question.is_answerable == answerable for each in judged]
    return [(counts and holds(each), counts) for each, counts in zip(judged, counted, strict=True)]
