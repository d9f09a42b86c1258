"""Every promise is proved, and every proof is of a promise; found by reading, not by running."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.requirements import PROMISES
from tests.support.markdown import missing_target

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PROVING = sorted(
    file for folder in ("contract", "e2e") for file in (TESTS / folder).glob("test_*.py")
)
IDS = [each for promises in PROMISES.values() for each in promises]

pytestmark = pytest.mark.requirement("docs.promises")


def marked_ids(nodes: list[ast.expr]) -> Iterator[str]:
    """Yield the ids of `pytest.mark.requirement("id")` among decorators or marks."""
    for node in nodes:
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="mark"), attr="requirement"),
                args=[ast.Constant(value=str() as each)],
            ):
                yield each
            case ast.List(elts=marks) | ast.Tuple(elts=marks):
                yield from marked_ids(marks)
            case _:
                pass


def proved_ids(source: str) -> set[str]:
    """Return the ids that the tests of a module name, one by one or for the whole module."""
    module = ast.parse(source)
    tests = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    found = {each for test in tests for each in marked_ids(test.decorator_list)}
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value) if tests:
                found |= set(marked_ids([value]))
            case _:
                pass
    return found


def all_proved() -> dict[Path, set[str]]:
    return {file: proved_ids(file.read_text()) for file in TESTS.rglob("test_*.py")}


def test_every_promise_is_proved_by_a_test() -> None:
    proved = {each for ids in all_proved().values() for each in ids}
    assert set(IDS) - proved == set()


def test_every_proof_is_of_a_promise() -> None:
    unknown = {file.name: ids - set(IDS) for file, ids in all_proved().items()}
    assert {name: ids for name, ids in unknown.items() if ids} == {}


@pytest.mark.parametrize("file", PROVING, ids=lambda file: file.name)
def test_a_file_of_contract_and_e2e_proves_a_promise(file: Path) -> None:
    assert proved_ids(file.read_text()) != set()


def test_every_promise_has_one_id_and_stands_under_a_heading() -> None:
    assert [each for each, count in Counter(IDS).items() if count > 1] == []
    missing = {source: missing_target(ROOT / "x", source) for source in PROMISES}
    assert {source: problem for source, problem in missing.items() if problem} == {}


def test_marks_are_read_from_tests_and_modules_alone() -> None:
    source = """
pytestmark = [pytest.mark.requirement("module"), pytest.mark.filterwarnings("ignore")]
@pytest.fixture
@pytest.mark.requirement("fixture")
def part(): ...
@pytest.mark.requirement("one")
@pytest.mark.requirement("two")
async def test_it(): ...
"""
    assert proved_ids(source) == {"module", "one", "two"}
    assert proved_ids('pytestmark = pytest.mark.requirement("nothing is tested")') == set()
