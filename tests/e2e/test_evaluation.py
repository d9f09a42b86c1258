"""`lightspeed-stack eval` as its users meet it: a table, JSON, and bad lines by number."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.frozen_set import HALVES, STORE, filled_engine, frozen_questions

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a data directory with the frozen set, and write six questions beside it."""
    directory = tmp_path_factory.mktemp("evaluation")

    async def fill() -> None:
        async with filled_engine(directory / "data"):
            pass

    asyncio.run(fill())
    lines = [
        json.dumps(
            {
                "id": question.question_id,
                "question": question.text,
                "answerable": question.is_answerable,
                "gold": [
                    [place.model_dump(exclude_none=True) for place in places]
                    for places in question.facts
                ],
            }
        )
        for half in HALVES
        for question in [*frozen_questions(half)[:2], frozen_questions(half)[-1]]
    ]
    (directory / "questions.jsonl").write_text("\n".join(lines))
    return directory


@pytest.mark.requirement("eval.figures")
def test_a_store_and_its_answers_are_measured_as_json(directory: Path) -> None:
    done = run(directory, "eval", "questions.jsonl", "--answers", "--json")

    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["store"] == STORE
    assert (measured["answerable"], measured["unanswerable"]) == (4, 2)
    assert [mode["mode"] for mode in measured["modes"]] == ["hybrid", "vector", "keyword"]
    figures = ["recall@1", "recall@5", "recall@10", "nDCG@10", "MRR"]
    for mode in measured["modes"]:
        assert list(mode["figures"]) == figures
        assert mode["latency"]["p50_ms"] > 0
    assert measured["modes"][0]["figures"]["recall@10"]["value"] > 0
    assert measured["answers"]["figures"]["answered"]["value"] > 0
    assert measured["answers"]["failed"] == {}
    assert measured["warnings"] == []


@pytest.mark.requirement("eval.figures")
def test_one_mode_is_measured_as_a_table(directory: Path) -> None:
    done = run(directory, "eval", "questions.jsonl", "--mode", "keyword", "--store", STORE)

    assert done.returncode == 0, done.stderr
    assert "4 questions with an answer, 2 without" in done.stdout
    assert "\nkeyword " in done.stdout
    assert "hybrid" not in done.stdout


@pytest.mark.requirement("eval.bad-lines")
def test_bad_lines_are_named_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"question": "Why?"}\n{"qestion": "Why?"}\n')

    done = run(tmp_path, "eval", "bad.jsonl")

    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("lightspeed-stack: bad.jsonl:1: gold: name what answers")
    assert lines[1] == "bad.jsonl:2: question: Field required"
    assert lines[2].startswith("bad.jsonl:2: qestion: ")


def test_a_store_that_is_not_there_is_named(directory: Path) -> None:
    done = run(directory, "eval", "questions.jsonl", "--store", "manuals")

    assert done.returncode == 2
    assert "there is no vector store manuals; listed are product-docs" in done.stderr
