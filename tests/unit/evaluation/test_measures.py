"""Measures have the values that their formulas give by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.evaluation.bootstrap import Estimate, estimate, evenly
from lightspeed_core.evaluation.measures import (
    ndcg,
    percentile,
    ranks_of,
    recall,
    reciprocal_rank,
)
from lightspeed_core.evaluation.questions import Place, Question

RANKS = st.lists(st.one_of(st.none(), st.integers(1, 10)), min_size=1, max_size=5).map(tuple)


def chunks(*contents: str) -> list[RagChunk]:
    return [
        RagChunk(chunk_id=text, document_id="d", content=text, score=1.0, store_id="s")
        for text in contents
    ]


def test_a_fact_has_the_rank_of_the_first_chunk_that_holds_one_of_its_places() -> None:
    question = Question(
        question_id="q",
        text="?",
        facts=(
            (Place(phrase="red"), Place(phrase="scarlet")),
            (Place(phrase="blue"),),
            (Place(phrase="green"),),
        ),
    )

    assert ranks_of(question, chunks("grey", "scarlet blue", "red", "blue")) == (2, 2, None)


def test_recall_is_the_share_of_facts_within_the_depth() -> None:
    assert recall((1, 5, 6, None), 5) == 0.5
    assert recall((None,), 10) == 0.0


def test_the_reciprocal_rank_is_of_the_best_fact() -> None:
    assert reciprocal_rank((4, 2, None)) == 0.5
    assert reciprocal_rank((None,)) == 0.0


def test_ndcg_is_as_computed_by_hand() -> None:
    assert ndcg((1,), 10) == 1.0
    assert ndcg((3,), 10) == 0.5
    assert ndcg((11,), 10) == 0.0
    ideal = 1 + 1 / math.log2(3)
    assert ndcg((2, None), 10) == pytest.approx(1 / math.log2(3) / ideal)
    assert ndcg((1, 1), 10) == 1.0


@given(RANKS)
def test_every_measure_is_a_share(ranks: tuple[int | None, ...]) -> None:
    values = (recall(ranks, 5), ndcg(ranks, 10), reciprocal_rank(ranks))
    assert all(0.0 <= value <= 1.0 for value in values)


@given(RANKS)
def test_a_fact_that_is_found_higher_up_never_costs(ranks: tuple[int | None, ...]) -> None:
    better = (1, *ranks[1:])
    assert ndcg(better, 10) >= ndcg(ranks, 10)
    assert recall(better, 1) >= recall(ranks, 1)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.95) == 4.0
    assert percentile([7.0], 0.025) == 7.0


def test_an_estimate_is_the_same_each_time_and_its_interval_holds_the_figure() -> None:
    sample = {"x": evenly([0.0, 1.0] * 50)}

    (first, second) = (estimate(sample)["x"], estimate(sample)["x"])

    assert first == second
    assert first is not None
    assert first.low < first.value == 0.5 < first.high
    # The standard error of a share of 100 is 0.05.
    assert 0.15 < first.high - first.low < 0.25


def test_questions_that_agree_leave_no_doubt() -> None:
    assert estimate({"x": evenly([1.0] * 9)}) == {"x": Estimate(value=1.0, low=1.0, high=1.0)}


def test_a_figure_of_nothing_is_none() -> None:
    assert estimate({"x": [(0.0, 0.0)] * 3, "y": []}) == {"x": None, "y": None}


def test_a_ratio_weighs_by_its_denominators() -> None:
    found = estimate({"x": [(1.0, 1.0), (0.0, 3.0)]})["x"]

    assert found is not None
    assert found.value == 0.25


def test_figures_see_the_same_draws() -> None:
    sample = evenly([0.0, 1.0, 1.0, 0.0, 1.0, 0.3, 0.7])
    found = estimate({"x": sample, "y": sample})

    assert found["x"] == found["y"]
