"""Every row of what clients rely on has tests of the started service, and these exist."""

import ast
from pathlib import Path

import pytest

from tests.contract.conformance import LAST_ROW, ROWS

END_TO_END = Path(__file__).resolve().parents[1] / "e2e"

pytestmark = pytest.mark.requirement("docs.conformance")


def test_every_row_has_a_test() -> None:
    assert set(ROWS) == set(range(1, LAST_ROW + 1))
    assert [number for number, row in ROWS.items() if not row.tests] == []


@pytest.mark.parametrize("number", ROWS)
def test_the_tests_of_a_row_exist_and_are_not_skipped(number: int) -> None:
    for test in ROWS[number].tests:
        file, name = test.split("::")
        module = ast.parse((END_TO_END / file).read_text(encoding="utf-8"))
        (found,) = [
            node
            for node in module.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        ]
        marks = " ".join(ast.unparse(each) for each in found.decorator_list)
        assert not {"skip", "skipif", "xfail"} & set(marks.replace("(", ".").split("."))
