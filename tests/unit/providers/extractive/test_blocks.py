"""The layout of passages, whole and torn."""

import pytest

from lightspeed_stack_providers.extractive.blocks import Block, Kind, split_blocks


def kinds(text: str) -> list[tuple[Kind, str]]:
    return [(block.kind, block.text) for block in split_blocks(text)]


def test_lines_of_a_paragraph_are_one_block():
    assert kinds("One\ntwo\n\nthree") == [(Kind.PARAGRAPH, "One two"), (Kind.PARAGRAPH, "three")]


@pytest.mark.parametrize("marker", ["-", "*", "+", "•", "1.", "12)"])
def test_a_list_item_keeps_its_marker_apart(marker: str):
    assert split_blocks(f"  {marker} one\n    more\n{marker} two") == [
        Block(Kind.ITEM, "one more", marker),
        Block(Kind.ITEM, "two", marker),
    ]


def test_a_table_has_an_empty_row_below_its_header():
    assert kinds("| A | B |\n|:--|--:|\n| 1 | 2 |") == [
        (Kind.ROW, "A | B"),
        (Kind.ROW, ""),
        (Kind.ROW, "1 | 2"),
    ]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_fenced_lines_are_code_one_by_one(fence: str):
    assert kinds(f"{fence}sh\n# not a heading\n\n- no item\n{fence}\nText.") == [
        (Kind.CODE, "# not a heading"),
        (Kind.CODE, "- no item"),
        (Kind.PARAGRAPH, "Text."),
    ]


def test_a_fence_is_closed_by_its_like_alone():
    assert kinds("````\n```\nx\n````\nText.")[-1] == (Kind.PARAGRAPH, "Text.")


@pytest.mark.parametrize("mark", ["=", "-", "^", "*", "~", '"', "+"])
def test_an_underlined_line_is_a_heading(mark: str):
    assert kinds(f"Title\n{mark * 5}\nText.") == [
        (Kind.HEADING, "Title"),
        (Kind.PARAGRAPH, "Text."),
    ]


@pytest.mark.parametrize(
    "rule", ["---", "***", "* * *", "=====", "<br>", "<!-- note -->", ".. x::"]
)
def test_rules_and_markup_separate_and_say_nothing(rule: str):
    assert kinds(f"One.\n\n{rule}\n\nTwo.") == [(Kind.PARAGRAPH, "One."), (Kind.PARAGRAPH, "Two.")]


def test_indented_prose_is_prose_and_indented_code_is_code():
    assert kinds("OPTIONS\n       Prints the name of each file.") == [
        (Kind.HEADING, "OPTIONS"),
        (Kind.PARAGRAPH, "Prints the name of each file."),
    ]
    assert kinds("    x = f(1)") == [(Kind.CODE, "x = f(1)")]


def test_line_ends_of_windows_make_no_difference():
    text = "# A\n\nOne\ntwo\n\n```\nx\n```\n"

    assert split_blocks(text.replace("\n", "\r\n")) == split_blocks(text)
