"""Patterns mean what `re` says they mean, and come to an end."""

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.config.search_pattern import SearchPattern

PIECES = ["a", "b", "e", "{", "}", "[", "]", "^", "-", "\\", "(", ")", "|", "*", "+", "?"]
MORE = [",", "1", "2", ".", "$", ":alpha:", "{e}", "{1,2}", "[[:alpha:]]", "(?:", "\\w", "&&"]
TEXTS = ["", "a", "b", "ab", "aab", "a{e}", "aa{2}", "[a]", ":a]", "e", "a-b", "{", "}", "&", "1,2"]


@given(st.lists(st.sampled_from(PIECES + MORE), max_size=8).map("".join))
def test_a_pattern_finds_what_re_finds(pattern: str) -> None:
    with warnings.catch_warnings(action="ignore"):
        try:
            expected = re.compile(pattern)
        except re.error:
            with pytest.raises(re.error):
                SearchPattern(pattern)
            return
        ours = SearchPattern(pattern)
    found = {text: ours.is_found(text, seconds=5) for text in TEXTS}
    assert found == {text: expected.search(text) is not None for text in TEXTS}


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        ("^team{s}$", "team", False),
        ("^team{s}$", "team{s}", True),
        (r"^[\w.]+@example\.com$", "ada@example.com", True),
        (r"(?i)ADMIN", "admin", True),
        (r"(?x) ^ a {2} [b] $  # spaces are no part of it", "aab", True),
        (r"\N{LATIN SMALL LETTER A}{2}", "aa", True),
        (r"^[]a]+$", "]a", True),
        (r"^[^]]$", "a", True),
        (r"^(?P<x>a)(?P=x)$", "aa", True),
    ],
)
def test_patterns_of_operators_are_read_as_before(pattern: str, text: str, is_found: bool) -> None:
    assert bool(re.search(pattern, text)) is is_found
    assert SearchPattern(pattern).is_found(text, seconds=5) is is_found


@pytest.mark.attack(15)
def test_a_search_without_end_is_stopped() -> None:
    with pytest.raises(TimeoutError):
        SearchPattern("(a|aa)+$").is_found("a" * 64 + "!", seconds=0.01)
