"""How ids of prompts and placeholders are written."""

import pytest

from lightspeed_core.prompts.identifiers import (
    is_prompt_id,
    is_variable,
    new_prompt_id,
    undeclared,
)


def test_every_new_id_is_another_one_of_the_right_form() -> None:
    ids = {new_prompt_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(map(is_prompt_id, ids))


@pytest.mark.parametrize(
    "text",
    ["", "pmpt_", "a" * 48, "pmpt_" + "a" * 47, "pmpt_" + "a" * 49, "pmpt_" + "g" * 48],
)
def test_an_id_of_another_form_is_told(text: str) -> None:
    assert not is_prompt_id(text)
    assert not is_prompt_id("pmpt_" + "a" * 48 + "\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ name }}, {{name}} and {{\tplace }}", ["place"]),
        ("{{ b }}{{ a }}{{ b }}", ["b", "a"]),
        ("{{ größe_1 }}", ["größe_1"]),
        ("no { name } and {name}, {{ }}, {{}} and {{ a b }}", []),
        ("${{ secrets.TOKEN }} and {{ name | upper }}", []),
        ("{{{ inner }}}", ["inner"]),
    ],
)
def test_placeholders_that_are_not_declared_are_found_each_once(
    text: str, expected: list[str]
) -> None:
    assert undeclared(text, ["name"]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a", True), ("größe_1", True), ("1", True), ("", False), ("a b", False), ("a\n", False)],
)
def test_a_variable_is_a_name_that_can_stand_in_a_placeholder(name: str, expected: bool) -> None:
    assert is_variable(name) is expected
