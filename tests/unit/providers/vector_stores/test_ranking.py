import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.vector_stores.ranking import bm25_score, cosine_score, fuse

rankings = st.lists(st.integers(1, 50), unique=True, max_size=30)


@given(rankings, rankings)
def test_fused_scores_are_bounded_and_fall(first: list[int], second: list[int]) -> None:
    fused = fuse([first, second])
    scores = [score for _, score in fused]
    assert {key for key, _ in fused} == {*first, *second}
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(rankings.filter(bool))
def test_the_first_of_both_rankings_scores_one_and_of_one_alone_half(ranking: list[int]) -> None:
    assert fuse([ranking, ranking])[0] == (ranking[0], pytest.approx(1.0))
    assert fuse([ranking, []])[0] == (ranking[0], pytest.approx(0.5))


def test_ranks_fuse_by_the_published_formula() -> None:
    fused = dict(fuse([[1, 2], [2, 3]]))
    assert fused[2] == pytest.approx(30.5 * (1 / 62 + 1 / 61))
    assert fused[3] == pytest.approx(30.5 / 62)


def test_equal_scores_are_ordered_by_key() -> None:
    assert [key for key, _ in fuse([[9], [4]])] == [4, 9]


@given(st.floats(0, 1e30), st.floats(0, 1e30))
def test_keyword_scores_are_bounded_and_keep_the_order(one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert 0 <= bm25_score(low) <= bm25_score(high) <= 1


@given(st.floats(-1.001, 1.001))
def test_a_cosine_is_its_own_score_between_none_and_one(cosine: float) -> None:
    assert cosine_score(cosine) == min(1.0, max(0.0, cosine))
