"""Every attack of the table has a test that makes it; found by reading, not by running."""

import ast
from pathlib import Path

import pytest

from tests.contract.attacks import ATTACKS, NOT_YET

TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.requirement("docs.attacks")


def made_attacks(source: str) -> set[int]:
    """Return the numbers in `pytest.mark.attack(...)` of a module."""
    return {
        number.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "attack"
        for number in node.args
        if isinstance(number, ast.Constant) and isinstance(number.value, int)
    }


def all_made() -> set[int]:
    files = TESTS.rglob("test_*.py")
    return {number for file in files for number in made_attacks(file.read_text(encoding="utf-8"))}


def test_every_attack_is_made_by_a_test() -> None:
    assert set(ATTACKS) - all_made() == NOT_YET


def test_a_test_makes_an_attack_of_the_table() -> None:
    assert all_made() - set(ATTACKS) == set()


def test_a_mark_is_found_wherever_it_stands() -> None:
    source = "@pytest.mark.attack(3)\ndef test_x(): ...\npytestmark = [pytest.mark.attack(4, 5)]"
    assert made_attacks(source) == {3, 4, 5}
