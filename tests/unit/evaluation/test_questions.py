"""Questions are read line by line, and a bad line is named with its number and its reason."""

from pathlib import Path

import pytest

from lightspeed_core.domain.retrieval import RagChunk
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.evaluation.questions import Place, read_questions


def written(folder: Path, *lines: str) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(lines))
    return file


def chunk(content: str, start: int | None = None, document_id: str = "a.md") -> RagChunk:
    end = None if start is None else start + len(content)
    return RagChunk(
        chunk_id="1",
        document_id=document_id,
        content=content,
        score=1.0,
        store_id="s",
        start=start,
        end=end,
    )


def test_a_file_of_questions_is_read_in_its_order(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '{"id": "a", "question": "Why?", "gold": [{"phrase": "because"}], "kind": "short"}',
        "",
        '{"question": "Where?", "answerable": false}',
        '{"question": "Who?", "gold": [[{"document": "a.md"}, {"phrase": "me"}]]}',
    )

    first, second, third = read_questions(file)

    assert (first.question_id, first.text, first.kind) == ("a", "Why?", "short")
    assert first.facts == ((Place(phrase="because"),),)
    assert second.question_id == "line 3"
    assert not second.is_answerable
    assert third.facts == ((Place(document="a.md"), Place(phrase="me")),)


@pytest.mark.requirement("eval.bad-lines")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "Invalid JSON"),
        ('["question"]', "object"),
        ('{"gold": [{"phrase": "x"}]}', "question: Field required"),
        ('{"question": " ", "gold": [{"phrase": "x"}]}', "question: "),
        ('{"question": "q"}', "name what answers the question"),
        ('{"question": "q", "answerable": false, "gold": [{"phrase": "x"}]}', "has none"),
        ('{"question": "q", "gold": [{}]}', "gold.0.0: name a document, a phrase or both"),
        ('{"question": "q", "gold": [{"document": "d", "start": 1}]}', "belong together"),
        ('{"question": "q", "gold": [{"document": "d", "start": 2, "end": 1}]}', "less than end"),
        ('{"question": "q", "gold": [{"phrase": "d", "start": 1, "end": 2}]}', "in a document"),
        ('{"question": "q", "gold": [{"phrase": "x"}], "glod": 1}', "glod: Extra inputs"),
        ('{"question": "q", "gold": [[]]}', "gold.0: "),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(
    tmp_path: Path, line: str, reason: str
) -> None:
    good = '{"question": "q", "gold": [{"phrase": "x"}]}'
    file = written(tmp_path, good, line)

    with pytest.raises(ConfigurationError) as raised:
        read_questions(file)

    assert f"{file}:2: " in str(raised.value)
    assert reason in str(raised.value)
    assert f"{file}:1: " not in str(raised.value)


@pytest.mark.requirement("eval.bad-lines")
def test_every_bad_line_is_named_up_to_a_bound(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_questions(written(tmp_path, *["{}"] * 30))

    told = str(raised.value).splitlines()
    assert len(told) == 21
    assert told[-1] == "and 10 more"


def test_an_id_stands_for_one_question(tmp_path: Path) -> None:
    line = '{"id": "a", "question": "q", "gold": [{"phrase": "x"}]}'

    with pytest.raises(ConfigurationError, match=":2: id: a was given before"):
        read_questions(written(tmp_path, line, line))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff"])
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"questions\.jsonl"):
        read_questions(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl cannot be read"):
        read_questions(tmp_path / "nowhere.jsonl")


def test_a_phrase_is_found_across_line_ends_and_in_any_case() -> None:
    place = Place(phrase="prime the Pump")

    assert place.is_in(chunk("First, Prime\n  the pump."))
    assert not place.is_in(chunk("Prime it, the pump."))


def test_everything_that_a_place_names_must_hold() -> None:
    place = Place(document="a.md", phrase="pump")

    assert place.is_in(chunk("the pump"))
    assert not place.is_in(chunk("the pump", document_id="b.md"))


@pytest.mark.parametrize(
    ("start", "holds"), [(0, True), (10, True), (11, False), (8, True), (None, False)]
)
def test_a_span_must_lie_whole_in_the_chunk(start: int | None, holds: bool) -> None:
    assert Place(document="a.md", start=10, end=18).is_in(chunk("x" * 18, start)) is (
        holds and start is not None
    )
