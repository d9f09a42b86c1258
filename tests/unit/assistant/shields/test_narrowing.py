"""Of a text that a shield objects to, what it does not object to stays."""

import json

import pytest

from lightspeed_core.assistant.shields.documents import screen_chunks, screen_text
from lightspeed_core.assistant.shields.narrowing import LEFT_OUT, MOST_QUESTIONS
from lightspeed_core.assistant.shields.shield import Block, Pass
from lightspeed_core.domain.retrieval import RagChunk
from tests.support.shields import PlannedShield, blocking, checks_of, replacing

pytestmark = pytest.mark.requirement("shield.documents")


def reader(shield: PlannedShield) -> PlannedShield:
    shield.reads_documents = True
    return shield


async def screened(text: str, shield: PlannedShield) -> tuple[str, list[str]]:
    seen = await screen_text(text, "The result of tool t", [reader(shield)], checks_of())
    return seen.text, [warning.message for warning in seen.warnings]


async def test_of_a_json_value_the_strings_go_that_are_blocked() -> None:
    pods = [{"name": f"pod-{number}", "ready": True, "restarts": number} for number in range(40)]
    pods[17]["note"] = "evil words"

    text, told = await screened(json.dumps({"pods": pods}), blocking("s", "evil"))

    pods[17]["note"] = LEFT_OUT
    assert json.loads(text) == {"pods": pods}
    assert told == ["Parts of the result of tool t were left out by shield s."]


async def test_of_a_json_value_the_strings_change_that_are_rewritten() -> None:
    value = {"output": 'say "evil". More.', "code": [1, None, "fine"]}

    text, told = await screened(json.dumps(value), replacing("s", r"evil\W+", "#"))

    assert json.loads(text) == {"output": 'say "#More.', "code": [1, None, "fine"]}
    assert len(told) == 1


@pytest.mark.parametrize("gap", ["\n\n", "\n \n", "\n"])
async def test_of_other_texts_the_paragraphs_or_lines_go_that_are_blocked(gap: str) -> None:
    parts = ["one", "two evil", "three", "four"]

    text, told = await screened(gap.join(parts), blocking("s", "evil"))

    assert text == gap.join(["one", LEFT_OUT, "three", "four"])
    assert len(told) == 1


async def test_what_is_only_objected_to_as_a_whole_goes_as_a_whole() -> None:
    shield = PlannedShield("s", lambda seen: Block("No.") if {"a", "z"} <= set(seen) else Pass())

    text, told = await screened("a\n\nmiddle\n\nz", shield)

    assert text == LEFT_OUT
    assert told == ["The result of tool t was left out by shield s."]


@pytest.mark.parametrize("text", ["evil", '{"evil": 1}', '["evil', "[" * 5000 + "evil"])
async def test_what_has_no_parts_goes_as_a_whole(text: str) -> None:
    assert (await screened(text, blocking("s", "evil")))[0] == LEFT_OUT


async def test_a_shield_is_not_asked_without_end() -> None:
    shield = blocking("s", "evil")

    text, _ = await screened("\n".join(["evil"] * 5000), shield)

    assert text == LEFT_OUT
    assert len(shield.seen) <= MOST_QUESTIONS + 1


async def test_a_shield_that_fails_over_a_part_has_the_whole_left_out() -> None:
    shield = PlannedShield("s", lambda seen: Block("No.") if "\n" in seen else None)

    text, _ = await screened("one\ntwo", shield)

    assert text == LEFT_OUT


def chunk(number: int, content: str, title: str) -> RagChunk:
    return RagChunk(
        chunk_id=f"c{number}",
        document_id="d",
        content=content,
        score=1.0,
        store_id="docs",
        title=title,
        url="https://example.com/d",
    )


async def test_a_title_is_judged_and_read_like_its_passage() -> None:
    shield = reader(blocking("s", "evil"))
    chunks = [chunk(1, "fine", "An evil title"), chunk(2, "fine too", "A title")]

    read, told = await screen_chunks(chunks, [shield], checks_of())

    assert [(each.title, each.url) for each in read] == [
        (LEFT_OUT, None),
        ("A title", "https://example.com/d"),
    ]
    assert [each.content for each in read] == ["fine", "fine too"]
    assert [warning.message for warning in told] == ["A title was left out by shield s."]
