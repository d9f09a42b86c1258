"""The frozen set is what it says it is, and the published table says what was recorded."""

from collections import Counter

import pytest

from lightspeed_core.evaluation.questions import Question
from tests.ranking.figures import PAGE, read_figures, with_table
from tests.support.frozen_set import (
    CORPUS,
    FOLDER,
    HALVES,
    frozen_documents,
    frozen_files,
    frozen_questions,
    read_manifest,
    sha256,
)

pytestmark = pytest.mark.requirement("ranking.table")

ALL = [question for half in HALVES for question in frozen_questions(half)]


def test_the_published_table_is_that_of_the_recorded_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, read_figures()), "write the table anew with `make ranking`"


def test_every_file_of_the_set_is_as_it_was_frozen() -> None:
    assert read_manifest()["files"] == {name: sha256(name) for name in frozen_files()}


def test_every_text_has_an_origin_and_a_licence() -> None:
    sources = read_manifest()["sources"]
    folders = {f"corpus/{folder.name}" for folder in CORPUS.iterdir()}
    assert {source["folder"] for source in sources} == folders
    for source in sources:
        assert source["origin"]
        assert source["licence"] == "Apache-2.0" or source["licence"].startswith("public domain")
    assert (FOLDER / "vectors.npy").stat().st_size < 2_000_000


def test_there_are_two_hundred_questions_of_many_kinds_in_halves_that_share_none() -> None:
    tuning, held_out = (frozen_questions(half) for half in HALVES)
    assert len(ALL) >= 200
    assert abs(len(tuning) - len(held_out)) <= 1
    assert {each.text for each in tuning}.isdisjoint(each.text for each in held_out)
    kinds = Counter(question.kind for question in ALL)
    assert kinds.keys() == {"paraphrase", "keywords", "typos", "several facts", "unanswerable"}
    assert min(kinds.values()) >= 18
    assert Counter(question.kind for question in tuning) == Counter(
        question.kind for question in held_out
    )


def test_every_fact_lies_whole_in_a_chunk_of_its_document() -> None:
    contents: dict[str, list[str]] = {
        each.document.document_id: [_folded(chunk.content) for chunk in each.chunks]
        for each in frozen_documents()
    }

    def is_there(question: Question) -> bool:
        return all(
            any(
                _folded(place.phrase or "") in content
                for place in places
                for content in contents[place.document or ""]
            )
            for places in question.facts
        )

    assert [question.question_id for question in ALL if not is_there(question)] == []
    assert all(question.is_answerable == (question.kind != "unanswerable") for question in ALL)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
