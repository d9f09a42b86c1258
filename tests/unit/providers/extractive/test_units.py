"""What of a passage can be quoted, and that it stands there."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.extractive.units import Unit, split_units

MARKDOWN = """\
# Installation

Install the package first. It needs Python 3.12, e.g. from your
distribution. Then start it:

```bash
make run
```

## Supported databases

The service can use these databases:

- SQLite
- PostgreSQL 15 or later

> Backups are yours to make.

| Key | Meaning |
| --- | --- |
| `port` | the port that the service listens on |
"""


def texts(passage: str) -> list[str]:
    return [unit.text for unit in split_units(passage)]


def squeezed(text: str) -> str:
    """White space is no matter, nor are the fence of code and the mark of a quotation."""
    lines = [line for line in text.split("\n") if not re.match(r"\s*(```|~~~)", line)]
    return " ".join(" ".join(line.lstrip("> ") for line in lines).replace("`", "").split())


def test_markdown_gives_sentences_lists_rows_and_code():
    assert split_units(MARKDOWN) == [
        Unit("Install the package first.", "Installation"),
        Unit("It needs Python 3.12, e.g. from your distribution.", "Installation"),
        Unit("Then start it: `make run`", "Installation"),
        Unit(
            "The service can use these databases: - SQLite - PostgreSQL 15 or later",
            "Supported databases",
        ),
        Unit("Backups are yours to make.", "Supported databases"),
        Unit("`port` | the port that the service listens on", "Supported databases Key | Meaning"),
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "# Start the service now",
        "### Start the service now ###",
        "Start the service now\n=====================",
        "Start the service now\n---------------------",
        "Start the service now\n*********************",
        "**Start the service now**",
        "START THE SERVICE NOW",
        "Start the service now",
    ],
)
def test_a_heading_is_never_quoted(heading: str):
    assert texts(f"{heading}\n\nIt listens on a port.") == ["It listens on a port."]


@pytest.mark.parametrize("heading", ["# Ports", "Ports\n=====", "**Ports**", "PORTS"])
def test_a_heading_is_the_context_of_what_follows(heading: str):
    (unit,) = split_units(f"{heading}\n\nIt listens on 8080.")

    assert unit.context.casefold().strip("*") == "ports"


def test_each_line_of_a_long_listing_is_quoted_alone():
    passage = "Do this:\n\n```\ncd project\nmake all\nmake run\n```"

    assert split_units(passage) == [
        Unit("`cd project`", "Do this:"),
        Unit("`make all`", "Do this:"),
        Unit("`make run`", "Do this:"),
    ]


def test_long_lists_are_quoted_item_by_item():
    items = [
        f"- Item {n} has a text of its own that is rather long, so that it counts"
        for n in "abcdefgh"
    ]

    found = split_units("These exist:\n" + "\n".join(items))

    assert [unit.text for unit in found] == [item.removeprefix("- ") for item in items]
    assert {unit.context for unit in found} == {"These exist:"}


def test_a_lead_in_without_its_list_is_not_quoted():
    assert texts("It is known. The following databases are supported here:") == ["It is known."]


@pytest.mark.parametrize(
    "passage",
    [
        "make all\nmake test\n```\n\nThen open the page in a browser.",
        "    x = f(1)\n    y = g(x)\n```\nThen open the page in a browser.",
        "make all\n```\n\nThen open the page in a browser.\n\n```python\nx = 1\n```\n",
    ],
)
def test_a_passage_may_begin_inside_of_code(passage: str):
    assert "Then open the page in a browser." in texts(passage)


def test_a_passage_may_end_inside_of_code():
    assert texts("Open the page, then run it.\n\n```\nmake all --quick\n") == [
        "Open the page, then run it.",
        "`make all --quick`",
    ]


def test_code_with_backticks_is_quoted_safely():
    assert texts("```\necho `date`\n```") == ["`` echo `date` ``"]


def test_a_doctest_is_code():
    assert texts(">>> len([])\n") == ["`>>> len([])`"]


@pytest.mark.parametrize(
    "text",
    [
        "As was shown in [3], it is so.",
        "Take the element a[0] of the list.",
        "Look at ![this](https://evil.example/pixel.png) picture.",
        "It says <script>alert(1)</script> to you.",
        "It opens ` and never closes it.",
        "It holds a bell \x07 character.",
        "It turns \u202ereading around\u202c for you.",
        "[A title in a table of contents](#anchor)",
    ],
)
def test_what_would_mislead_the_reader_is_not_quoted(text: str):
    assert texts(f"{text}\n\nThis one is fine.") == ["This one is fine."]


def test_a_sentence_without_an_end_is_cut_into_pieces():
    words = [f"word{n}" for n in range(150)]

    found = texts(" ".join(words))

    assert " ".join(found) == " ".join(words)
    assert max(len(text.split()) for text in found) <= 60


@pytest.mark.parametrize(
    "line",
    ["." * 100_000, "`" * 100_001, "|" * 100_000, "<a " * 30_000, "# " * 50_000, "-" * 100_000,
     " " * 100_000 + "x", "a. " * 30_000, "[" * 100_000, "> " * 50_000, "(`" * 50_000],
    ids=lambda line: repr(line[:3]),
)  # fmt: skip
def test_hostile_lines_take_no_time(line: str):
    begun = time.process_time()

    split_units(line)

    assert time.process_time() - begun < 3


@given(st.text(alphabet=st.sampled_from(list("ab. :\n`#->|~=*1[]()\"'_!?\t\r")), max_size=300))
def test_every_unit_stands_in_its_passage(passage: str):
    whole = squeezed(passage)

    for text in texts(passage):
        assert squeezed(text) in whole


@given(st.text(max_size=300))
def test_any_text_is_taken_apart(passage: str):
    for unit in split_units(passage):
        assert unit.text == " ".join(unit.text.split())
        assert not re.search(r"\[\d+\]", unit.text, re.ASCII)


def test_sentences_without_spaces_can_be_quoted_and_headings_cannot():
    passage = "备份与恢复\n\n数据库每天晚上自动备份。证书在到期前三十天自动更新。\n\n完成。"

    assert texts(passage) == ["数据库每天晚上自动备份。", "证书在到期前三十天自动更新。"]


def test_a_wide_colon_leads_to_what_follows():
    assert texts("安装后请启动服务：\n\n```\nmake run\n```") == ["安装后请启动服务： `make run`"]
