"""YAML text to values: every fault has a place."""

import pytest

from lightspeed_core.config.document import parse_document
from lightspeed_core.config.place import Problem, ProblemsFound


def fault(text: str) -> Problem:
    with pytest.raises(ProblemsFound) as found:
        parse_document(text)
    return found.value.problems[0]


def test_each_key_and_item_has_its_line() -> None:
    document = parse_document("a: 1\nb:\n  c:\n  - d: x\n  - e\n")
    assert document.tree == {"a": 1, "b": {"c": [{"d": "x"}, "e"]}}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 0, "d"): 4,
        ("b", "c", 1): 5,
    }


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a: [1", 1, 6), ("a: 1\n b: 2", 2, 3), ("a: @x", 1, 4), ("a: *b", 1, 4), ("a: !x 1", 1, 4)],
)
def test_a_fault_of_syntax_has_line_and_column(text: str, line: int, column: int) -> None:
    problem = fault(text)
    assert problem.text.startswith("not valid YAML: ")
    assert (problem.line, problem.column) == (line, column)


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(ProblemsFound) as found:
        parse_document("a: 1\ns:\n  k: 1\n  k: 2\na: 2\n")
    inner, outer = found.value.problems
    assert (inner.place, inner.line) == (("s", "k"), 4)
    assert inner.text == "this key stands twice, first in line 3"
    assert (outer.place, outer.line) == (("a",), 5)


def test_anchors_and_merges_are_understood() -> None:
    document = parse_document("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\nc: *x\n")
    assert document.tree["b"] == {"k": 3, "l": 2}
    assert document.tree["c"] == {"k": 1, "l": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- 1\n", "must hold a mapping of keys at the top, not a list"),
        ("just text", "must hold a mapping of keys at the top, not a str"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: &x [*x]\n", "a[0] contains itself"),
        ("a: 2026-02-31\n", "a value cannot be read: day"),
        ("a: \x00", "not a YAML text: unacceptable character"),
        ("a: " + "[" * 1200, "nested too deeply"),
        ("a: !!python/object:os.system {}", "could not determine a constructor"),
        ("? [a]\n: 1\n", "found unhashable key"),
    ],
)
def test_what_is_no_configuration_is_said_so(text: str, said: str) -> None:
    assert said in fault(text).text
