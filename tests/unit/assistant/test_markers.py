"""Which `[n]` counts as a marker, whatever the tokens look like."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.assistant.markers import MarkerFilter

VALID = {1, 2, 3}
MARKER_LIKE = re.compile(r"[ \t]?\[[0-9 ,;]{1,60}\]")


def filtered(*tokens: str) -> tuple[str, list[int]]:
    """Filter tokens; numbers 1 to 3 hold. Return the joined output and the numbers kept."""
    kept: list[int] = []

    def judge(number: int, _: str) -> bool:
        if number in VALID:
            kept.append(number)
        return number in VALID

    markers = MarkerFilter(judge)
    return "".join([*map(markers.feed, tokens), markers.flush()]), kept


@pytest.mark.parametrize(
    ("text", "expected", "kept"),
    [
        ("Nothing to see.", "Nothing to see.", []),
        ("A fact [1].", "A fact [1].", [1]),
        ("A fact[1].", "A fact[1].", [1]),
        ("A fact [7].", "A fact.", []),
        ("A fact [0].", "A fact.", []),
        ("A fact [1][2].", "A fact [1][2].", [1, 2]),
        ("A fact [1, 2].", "A fact [1][2].", [1, 2]),
        ("A fact [ 1;2 ,3 ].", "A fact [1][2][3].", [1, 2, 3]),
        ("A fact [7, 2].", "A fact [2].", [2]),
        ("A fact [7][2].", "A fact [2].", [2]),
        ("A fact [7] [2].", "A fact [2].", [2]),
        ("A fact [2] [7].", "A fact [2].", [2]),
        ("A fact [01].", "A fact [1].", [1]),
        ("The end [1]", "The end [1]", [1]),
        ("The end [7]", "The end", []),
        ("[1](https://example.com)", "[1](https://example.com)", []),
        ("[7](https://example.com)", "[7](https://example.com)", []),
        ("[1] (see below)", "[1] (see below)", [1]),
        ("[text] and [x]", "[text] and [x]", []),
        ("[[1]] and [[7]]", "[[1]] and [[7]]", []),
        ("[ [7]1]", "[ [7]1]", []),
        ("- [ ] open, [x] done", "- [ ] open, [x] done", []),
        ("- [7] An entry", "- An entry", []),
        ("the year [2024]", "the year [2024]", []),
        ("v[1.2] [1-3] [a1]", "v[1.2] [1-3] [a1]", []),
        (r"an escaped \[7]", r"an escaped \[7]", []),
        ("a backslash \\ [7] that escapes nothing", "a backslash \\ that escapes nothing", []),
        ("open [1", "open [1", []),
        ("open [1, ", "open [1, ", []),
        ("ends with a blank ", "ends with a blank ", []),
        ("ends with \\", "ends with \\", []),
    ],
)
def test_a_marker_is_told_from_other_brackets(text: str, expected: str, kept: list[int]) -> None:
    assert filtered(text) == (expected, kept)


@pytest.mark.parametrize(
    ("text", "expected", "kept"),
    [
        ("`a[7]` and [1]", "`a[7]` and [1]", [1]),
        ("``a` [7]`` and [7]", "``a` [7]`` and", []),
        ("an open ` tick [7] here [1]", "an open ` tick here [1]", [1]),
        ("an open ` tick [7]\nand ` [1]", "an open ` tick\nand ` [1]", [1]),
        ("`open `` [7]", "`open ``", []),
        ("` [7]", "`", []),
        ("`a [7] b` [1]", "`a [7] b` [1]", [1]),
        ("`x[7]` `y[7]` [1]", "`x[7]` `y[7]` [1]", [1]),
        ("`x[y]` `z[`", "`x[y]` `z[`", []),
        ("```py\na[7]\n```\n[1]", "```py\na[7]\n```\n[1]", [1]),
        ("~~~\na[7]\n~~~\n[7]", "~~~\na[7]\n~~~\n", []),
        ("- ```\n  a[7]\n  ```\n- b [1]", "- ```\n  a[7]\n  ```\n- b [1]", [1]),
        ("> ```\n> a[7]\n> ```\n[1]", "> ```\n> a[7]\n> ```\n[1]", [1]),
        ("````\n```\na[7]\n````\n[1]", "````\n```\na[7]\n````\n[1]", [1]),
        ("```\na ``` [7]\n``` [7]\n```\n[1]", "```\na ``` [7]\n``` [7]\n```\n[1]", [1]),
        ("```a[7]``` and [7]", "```a[7]``` and", []),
        ("```\nnever closed [7]", "```\nnever closed [7]", []),
        ("```\nclosed at the end\n```", "```\nclosed at the end\n```", []),
        ("```", "```", []),
        ("word ~~~ [7] ~~~", "word ~~~ ~~~", []),
        ("word ``` [7] ``` [7]", "word ``` [7] ```", []),
    ],
)
def test_code_keeps_its_brackets(text: str, expected: str, kept: list[int]) -> None:
    assert filtered(text) == (expected, kept)
    assert filtered(*text) == (expected, kept)


def test_a_bracket_far_from_the_end_of_its_span_counts_as_text() -> None:
    assert filtered("`" + "x" * 500 + "[7]`")[0] == "`" + "x" * 500 + "[7]`"
    assert filtered("`[7]" + "x" * 500 + "`")[0] == "`" + "x" * 500 + "`"


def test_plain_tokens_leave_as_they_came() -> None:
    markers = MarkerFilter(lambda _, __: True)
    tokens = ["Plain", " words", ", as", " they", " come", ".\n"]
    assert [markers.feed(token) for token in tokens] == tokens


def test_a_marker_is_held_until_it_is_decided() -> None:
    markers = MarkerFilter(lambda _, __: True)
    assert [markers.feed(token) for token in ["fact", " [", "1", "]", ".", " Next"]] == [
        "fact",
        "",
        "",
        "",
        " [1].",
        " Next",
    ]


PIECES = st.sampled_from(
    [
        *(
            "[1]",
            "[7]",
            "[1, 2]",
            "[7;3]",
            "[",
            "]",
            "(",
            ")",
            "1",
            "7",
            ",",
            " ",
            "  ",
            "\n",
            "\\",
        ),
        *(
            "`",
            "``",
            "```",
            "~~~",
            "~",
            "word",
            "Word. ",
            "- ",
            "> ",
            "1. ",
            "\n\n",
            "é",
            "\t",
            "#",
        ),
        *("`code`", "`a[7]`", "\n```\n", "x" * 90, "[[", "[a](b)", "[1](b)", "0" * 70, "`" * 70),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(TEXTS)
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=30))
    return text, [text[a:b] for a, b in pairwise(sorted({0, len(text), *cuts}))]


@given(cut_texts())
def test_the_output_does_not_depend_on_the_cuts(cut: tuple[str, list[str]]) -> None:
    text, tokens = cut
    assert filtered(*tokens) == filtered(text)
    assert filtered(*text) == filtered(text)


@given(TEXTS)
def test_nothing_but_markers_is_lost_or_changed(text: str) -> None:
    assert MARKER_LIKE.sub("", filtered(text)[0]) == MARKER_LIKE.sub("", text)


@given(TEXTS)
def test_no_more_is_held_than_the_bound(text: str) -> None:
    markers = MarkerFilter(lambda _, __: True)
    released = 0
    for length, char in enumerate(text, start=1):
        released += len(markers.feed(char))
        assert length - released <= 400


@given(st.text(alphabet="[]179,; (\n\\ab.", max_size=60))
def test_every_marker_left_outside_code_was_verified(text: str) -> None:
    output, kept = filtered(text)
    assert filtered(output) == (output, kept)


@pytest.mark.parametrize("text", ["[1]", "[", "`", "`[1", "``[1] ", "[7] ", "~~~\n", "\\", "[1, "])
def test_the_work_is_linear_in_the_text(text: str) -> None:
    def seconds(times: int) -> float:
        tokens = list(text * times)
        started = time.process_time()
        filtered(*tokens)
        return time.process_time() - started

    seconds(100)
    # Ten times the text takes about ten times as long; a hundred times would be quadratic.
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.005)
