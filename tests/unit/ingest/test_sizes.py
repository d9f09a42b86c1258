"""Texts are measured by the tokenizer of their model where it is known, else with room to spare."""

from itertools import pairwise

import pytest

from lightspeed_core.engine.types import EmbeddingReach
from lightspeed_core.ingest.sizes import Sizes, estimate_tokens, first_tokens


def test_tokens_are_estimated_by_words_and_marks() -> None:
    assert estimate_tokens("The port, 8080.") == 6
    assert estimate_tokens("configuration") == 3
    assert estimate_tokens("a_b") == 3
    assert estimate_tokens(" \n") == 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("証明書の更新", 6), ("привет", 3), ("Größe", 3), ("aGVsbG8gd29ybGQ9" * 4, 32), ("가나다", 3)],
)
def test_what_is_no_english_word_is_estimated_higher(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_an_estimate_fills_half_of_what_a_model_reads() -> None:
    assert Sizes().limit == 256
    assert Sizes(EmbeddingReach(tokens=100)).limit == 50
    assert Sizes(EmbeddingReach(tokens=100, count=len)).limit == 100


def test_only_what_is_far_too_large_is_not_counted_exactly() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return 7

    sizes = Sizes(EmbeddingReach(tokens=100, count=count))
    assert sizes.count("word " * 10, wanted=10) == 7
    assert sizes.count("word " * 31, wanted=10) == 31
    # A word that a tokenizer does not know is one token for it.
    assert sizes.count("x" * 60, wanted=20) == 15
    assert counted == ["word " * 10, "x" * 60]


def test_the_beginning_of_a_text_is_cut_between_words_and_characters() -> None:
    assert first_tokens("Guide > Use", 9) == "Guide > Use"
    assert first_tokens("Guide > Use", 2) == "Guide >"
    assert first_tokens("証明書", 2) == "証明"
    assert first_tokens("Guide", 0) == ""
    lengths = [len(first_tokens("Größe 日本 x1 " * 9, most)) for most in range(90)]
    assert all(before <= after for before, after in pairwise(lengths))
