"""Each format becomes the same text every time, with its structure as Markdown."""

import pytest

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.ingest.parse import kinds
from lightspeed_core.ingest.parse.readers import read
from lightspeed_core.ingest.parse.reading import Reading, Unreadable
from tests.support.document_files import (
    archive,
    docx,
    paragraph,
    pdf,
    pdf_with_picture,
    pptx,
    word_table,
    xlsx,
)

LIMITS = ParseLimits()

PAGE = b"""<!doctype html><html lang="en-US"><head><title>The  guide</title>
<script>var hidden = 1;</script><style>p {}</style></head><body>
<nav><a href="/">Menu</a></nav>
<main><h1>Pumps<a class="headerlink" href="#pumps">P</a></h1>
<p>Prime the <code>pump</code> <b>first</b>.<br>Then start.</p>
<ul><li>one<ul><li>within</li></ul></li><li><p>two</p></li></ul>
<ol><li>first<li>second</ol>
<div class="highlight-python"><pre><span>def</span> f():
    return 1
</pre></div>
<table><caption>Ports</caption><tr><th>name<th>port</tr><tr><td>a|b<td><p>80</p><p>81</p></tr></table>
<dl><dt>Term<dd>Meaning</dl>
<p># no heading</p><img alt="A pump" src="http://192.0.2.1/x.png"></main>
<footer>Imprint</footer></body></html>"""

PAGE_TEXT = """# Pumps

Prime the `pump` first.
Then start.

- one
  - within
- two

1. first
2. second

```python
def f():
    return 1
```

Ports

| name | port |
| --- | --- |
| a\\|b | 80 81 |

Term

Meaning

\\# no heading

A pump
"""

RST = b"""=====
Pumps
=====

Start it::

    pump --start
      --now

Stopping
--------

.. code-block:: bash
   :linenos:

   pump --stop

Done.
"""

RST_TEXT = """# Pumps

Start it::

```
pump --start
  --now
```

## Stopping


```bash
pump --stop
```

Done.
"""

ASCIIDOC = b"""= Pumps

== Starting

[source,bash]
----
# as root
pump --start
----

Done.
"""

ASCIIDOC_TEXT = """# Pumps

## Starting

```bash
# as root
pump --start
```

Done.
"""


def reading(name: str, data: bytes) -> Reading:
    _, first = read(name, data, LIMITS)
    _, second = read(name, data, LIMITS)
    assert first == second
    return first


@pytest.mark.requirement("formats.text")
@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.md", b"\xef\xbb\xbf# Pumps\r\n\r\nPrime\x00 them.\r\n", "# Pumps\n\nPrime them.\n"),
        ("a.txt", b"Prime them.\fNext page.", "Prime them.\nNext page."),
        ("a.html", PAGE, PAGE_TEXT),
        ("a.rst", RST, RST_TEXT),
        ("a.adoc", ASCIIDOC, ASCIIDOC_TEXT),
        (
            "a.csv",
            b'name;port\nweb;80\n"two\nlines";81;more\n\n',
            "| name | port |  |\n| --- | --- | --- |\n| web | 80 |  |\n| two lines | 81 | more |\n",
        ),
        ("a.tsv", b"a\tb,c\n1\t2\n", "| a | b,c |\n| --- | --- |\n| 1 | 2 |\n"),
        ("a.json", b'{"a": [1, 2]}\n', '```json\n{"a": [1, 2]}\n```\n'),
        ("a.yaml", b"# comment\na: 1\n", "```yaml\n# comment\na: 1\n```\n"),
        (
            "a.docx",
            docx(
                paragraph("Pumps", "Heading1")
                + paragraph("Prime them.")
                + paragraph("Ports", "Heading2")
                + word_table([["name", "port"], ["web", "80"]])
            ),
            "# Pumps\n\nPrime them.\n\n## Ports\n\n| name | port |\n| --- | --- |\n| web | 80 |\n",
        ),
        (
            "a.xlsx",
            xlsx({"Ports": [["name", "port"], ["web", 80], [None, None], ["db", None]], "No": []}),
            "# Ports\n\n| name | port |\n| --- | --- |\n| web | 80 |\n| db |  |\n",
        ),
    ],
)
def test_a_format_becomes_this_text(name: str, data: bytes, text: str) -> None:
    assert reading(name, data).text == text


@pytest.mark.requirement("formats.text")
def test_a_page_tells_its_title_and_language() -> None:
    found = reading("a.html", PAGE)
    assert (found.title, found.language) == ("The guide", "en")


@pytest.mark.requirement("formats.text")
def test_a_pdf_has_pages_and_its_bookmarks_are_headings() -> None:
    found = reading(
        "a.pdf",
        pdf(
            [["Manual"], ["1.2 Pumps", "Prime them."], [], ["Valves", "Open them."]],
            bookmarks=[("Pumps", 1), ("Valves", 3)],
            title="The manual",
        ),
    )
    assert found.title == "The manual"
    assert found.text == "Manual\n\n# 1.2 Pumps\n\nPrime them.\n\n# Valves\n\nOpen them.\n\n"
    assert [page.number for page in found.pages] == [1, 2, 3, 4]
    assert [found.text[page.start : page.end].strip() for page in found.pages] == [
        "Manual",
        "# 1.2 Pumps\n\nPrime them.",
        "",
        "# Valves\n\nOpen them.",
    ]


@pytest.mark.requirement("formats.text")
@pytest.mark.requirement("ingest.reported")
def test_pages_that_are_pictures_are_told_of() -> None:
    _, found = read("a.pdf", pdf_with_picture(["Text"]), ParseLimits())
    assert found.text == "Text\n\n"
    assert found.notes == ("1 of 2 pages are pictures, and pictures are not read",)
    _, whole = read("a.pdf", pdf([["Text"], []]), ParseLimits())
    assert whole.notes == ()


def test_a_slide_is_a_page() -> None:
    found = reading(
        "a.pptx", pptx([("Pumps", ["Prime them.", "Start them."]), ("Valves", ["Open"])])
    )
    assert found.text == "# Pumps\n\n- Prime them.\n- Start them.\n\n# Valves\n\nOpen\n\n"
    assert [(page.number, page.start) for page in found.pages] == [(1, 0), (2, 38)]


def test_lines_of_json_that_nobody_can_read_are_laid_out() -> None:
    text = reading("a.json", b'{"a":["' + b"x" * 500 + b'"]}').text
    assert text.startswith('```json\n{\n  "a": [\n')
    twice = b'{"a":"' + b"x" * 500 + b'","a":1}'
    assert reading("a.json", twice).text == f"```json\n{twice.decode()}\n```\n"


def test_code_cannot_close_its_fence() -> None:
    assert reading("a.yaml", b"a: |\n  ```\n").text == "````yaml\na: |\n  ```\n````\n"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("page.txt", PAGE, kinds.HTML),
        ("page.pdf", PAGE, kinds.HTML),
        ("text.pdf", b"Only text.", kinds.PLAIN),
        ("text.docx", b"Only text.", kinds.PLAIN),
        ("manual.html", pdf([["Manual"]]), kinds.PDF),
        ("manual", pdf([["Manual"]]), kinds.PDF),
        ("drawing.svg", b"<svg><script>alert(1)</script></svg>", kinds.PLAIN),
        ("run.sh", b"#!/bin/sh\nexit 1\n", kinds.PLAIN),
        ("book.xlsx", docx(paragraph("Text")), kinds.DOCX),
    ],
)
@pytest.mark.requirement("formats.lying")
def test_a_file_that_lies_about_its_type_is_read_as_what_it_is(
    name: str, data: bytes, kind: str
) -> None:
    found, _ = read(name, data, LIMITS)
    assert found == kind


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe für Jörg, naïve Café in der Straße.", "utf-8-sig"),
        ("Größe für Jörg, naïve Café in der Straße.", "utf-16"),
        ("Größe für Jörg, naïve Café in der Straße.", "cp1252"),
        ("これは日本語の文章です。設定ファイルを編集してください。", "shift_jis"),
        ("Привет, как дела? Это текст на русском языке.", "cp1251"),
    ],
)
def test_texts_of_other_encodings_are_read(text: str, encoding: str) -> None:
    assert reading("a.txt", text.encode(encoding)).text == text


def test_a_damaged_byte_costs_itself_alone() -> None:
    data = ("Größe für Jörg. " * 10).encode() + b"\xff." + "Straße ".encode()
    assert reading("a.txt", data).text == "Größe für Jörg. " * 10 + "\ufffd." + "Straße "


def test_a_page_is_read_in_the_encoding_that_it_declares() -> None:
    page = '<html><meta charset="koi8-r"><p>Привет'.encode("koi8-r")
    assert reading("a.html", page).text == "Привет\n"
    odd = b'<html><meta charset="hex"><p>\xe4\xf6'
    assert "\xe4" in reading("a.html", odd).text


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b" \r\n\x00", "is empty"),
        ("a.html", b"<html><script>x</script></html>", "holds no text"),
        ("a.pdf", b"\x00\x01\x02\x03" * 400, "is not application/pdf, nor of another known format"),
        ("a.bin", bytes(range(32)) * 40, "is of no known format"),
        ("a.zip", archive({"a.txt": "text"}), "is an archive"),
        ("a.docx", b"PK\x03\x04 and no more", "is a broken archive"),
        (
            "a.doc",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
            "is an Office file of an old",
        ),
        ("a.pdf", pdf([["Secret"]], password="x"), "is encrypted; save it without a password"),
        ("a.pdf", pdf([[], []]), "holds no text; its pages are pictures"),
    ],
)
@pytest.mark.requirement("formats.reasons")
def test_what_cannot_be_read_has_a_reason(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(name, data, LIMITS)
    assert str(refused.value).startswith(reason)


@pytest.mark.requirement("formats.reasons")
def test_pages_and_characters_have_limits() -> None:
    limits = ParseLimits(pages=2, characters=100)
    with pytest.raises(Unreadable, match="has 3 pages, more than the limit of 2"):
        read("a.pdf", pdf([["One"]] * 3), limits)
    with pytest.raises(Unreadable, match="has 3 slides, more than the limit of 2"):
        read("a.pptx", pptx([("One", ["x"])] * 3), limits)
    with pytest.raises(Unreadable, match="101 characters of text, more than the limit of 100"):
        read("a.txt", b"x" * 101, limits)
    with pytest.raises(Unreadable, match="more text than the limit of 100 characters"):
        read("a.pdf", pdf([["x" * 101]]), limits)
    with pytest.raises(Unreadable, match="more text than the limit of 100 characters"):
        read("a.xlsx", xlsx({"S": [["x" * 101]]}), limits)


def test_nested_tables_that_lay_out_a_page_are_no_table() -> None:
    page = b"<table><tr><td><h1>Pumps</h1><table><tr><td>a<td>b<tr><td>1<td>2</table></table>"
    assert reading("a.html", page).text == "# Pumps\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
