"""Headings are found where a Markdown reader sees them."""

import time

import pytest

from lightspeed_core.ingest.outline import first_heading, sections


def test_sections_carry_the_path_of_their_titles() -> None:
    text = "Before.\n# One\na\n## Two\nb\n#### Four\nc\n## Five ##\nd\n# Six\n"
    assert [(each.path, text[each.start : each.end]) for each in sections(text)] == [
        ((), "Before.\n"),
        (("One",), "# One\na\n"),
        (("One", "Two"), "## Two\nb\n"),
        (("One", "Two", "Four"), "#### Four\nc\n"),
        (("One", "Five"), "## Five ##\nd\n"),
        (("Six",), "# Six\n"),
    ]


def test_the_body_begins_behind_the_headings_line() -> None:
    text = "# One\n\nText.\n"
    (section,) = sections(text)
    assert text[section.body : section.end] == "\n\nText.\n"


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_comment_in_code_is_no_heading(fence: str) -> None:
    text = f"# One\n{fence}bash\n# comment\n``\n{fence}\n## Two\n"
    assert [each.path for each in sections(text)] == [("One",), ("One", "Two")]


def test_a_fence_is_closed_by_its_own_mark_alone() -> None:
    text = "````\n```\n# no\n~~~~\n# no\n```` no\n# no\n`````\n# Yes\n"
    assert [each.path for each in sections(text)] == [(), ("Yes",)]


def test_code_on_one_line_opens_no_fence() -> None:
    assert [each.path for each in sections("```x```\n# One\n")] == [(), ("One",)]


def test_a_line_that_is_underlined_is_a_heading() -> None:
    text = "One\n===\n\na\n\nTwo *b*\n---\nb\n\n   Three\n---  \n# Four\nFive\n=====\n"
    assert [(each.path, text[each.start : each.body]) for each in sections(text)] == [
        (("One",), "One\n==="),
        (("One", "Two b"), "Two *b*\n---"),
        (("One", "Three"), "   Three\n---  "),
        (("Four",), "# Four"),
        (("Five",), "Five\n====="),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "A paragraph\nof two lines\n---\n",
        "Text.\n\n---\n",
        "- a list\n---\n",
        "> a quote\n---\n",
        "| a | table |\n---\n",
        "<br>\n---\n",
        "    code\n---\n",
        "```\nOne\n---\n```\n",
        "One\n- - -\n",
        "One\n-\n",
        "===\n",
        "---\n---\n",
        f"{'x' * 300}\n===\n",
    ],
)
def test_dashes_below_anything_else_are_a_rule(text: str) -> None:
    assert [each.path for each in sections(text)] == [()]


def test_settings_before_a_text_hold_no_heading() -> None:
    text = "---\n# a comment\ntitle: One\n---\nTwo\n---\n"
    assert [each.path for each in sections(text)] == [(), ("Two",)]
    assert first_heading("---\ntitle: One\n") is None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("text\n# The `run.yaml` **file** #\n", "The run.yaml file"),
        ("# [Guide](https://example.com)\n", "Guide"),
        ("#\n## Second\n", "Second"),
        ("#hashtag\n", None),
        ("####### seven\n", None),
        ("    # code\n", None),
        ("", None),
    ],
)
def test_a_title_is_read_without_its_marks(text: str, title: str | None) -> None:
    assert first_heading(text) == title


@pytest.mark.parametrize(
    "text",
    [
        "# ",
        "#\n",
        "```",
        " ",
        "# a #",
        "# [",
        "\n",
        "# [a](",
        "a\n---\n",
        "---\n",
        "===",
        "a\n\n---",
    ],
)
def test_reading_headings_is_linear(text: str) -> None:
    started = time.process_time()
    sections(text * 50_000)
    assert time.process_time() - started < 5
