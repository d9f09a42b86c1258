"""Reads HTML into Markdown: the article, without scripts, menus and pictures.

Nothing that a page refers to is fetched. The walk over the tree is a loop, so that a page nested
a hundred thousand deep is read like any other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from lightspeed_core.ingest.parse.decoding import decode
from lightspeed_core.ingest.parse.markdown import MarkdownWriter
from lightspeed_core.ingest.parse.reading import Reading, clean, language_of, one_line

_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])\Z")
_CODE_LANGUAGE = re.compile(r"(?:language|lang|highlight|brush)[-:]\s?([\w+#.-]{1,20})")
_DECLARED_WITHIN: Final = 4096

_SKIPPED: Final = frozenset(
    {
        *("head", "script", "style", "template", "noscript", "iframe", "object", "embed", "svg"),
        *("nav", "footer", "form", "button", "select", "canvas", "audio", "video", "math"),
    }
)
_BLOCKS: Final = frozenset(
    {
        *("p", "div", "section", "article", "main", "body", "html", "header", "aside", "figure"),
        *("figcaption", "blockquote", "address", "details", "summary", "fieldset", "hr"),
        *("dl", "dt", "dd", "ul", "ol", "menu", "li", "caption", "center", "hgroup"),
        *("table", "thead", "tbody", "tfoot", "tr", "td", "th"),
    }
)
_LISTS: Final = frozenset({"ul", "ol", "menu"})
_CELLS: Final = frozenset({"td", "th"})
_HEADINGS: Final = "h1, h2, h3"
_MAIN: Final = ("main", "[role=main]", "article")


def read_html(data: bytes) -> Reading:
    """Read a page; never fails, for every text is some HTML."""
    declared = _CHARSET.search(data, 0, _DECLARED_WITHIN)
    return read_markup(decode(data, declared[1].decode("ascii") if declared else None))


def read_markup(source: str) -> Reading:
    """Read HTML that is a text already."""
    tree = LexborHTMLParser(clean(source))
    title = tree.css_first("title")
    root = tree.root
    language = root.attributes.get("lang") if root is not None else None
    page = _Page()
    if start := _article(tree):
        _walk(start, page)
    page.flush()
    return Reading(
        text=page.writer.text,
        title=one_line(title.text()) if title is not None else None,
        language=language_of(language),
    )


def _article(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in _MAIN:
        found = tree.css(selector)
        if len(found) == 1:
            return found[0]
    return tree.body or tree.root


def _walk(start: LexborNode, page: "_Page") -> None:
    """Enter and leave every node below `start` in the order of the text."""
    node: LexborNode | None = start
    leaves: list[_Leave] = []
    while node is not None:
        leave = page.enter(node)
        child = node.first_child if leave is not None else None
        if leave is not None and child is not None:
            leaves.append(leave)
            node = child
            continue
        if leave is not None:
            leave()
        while node is not None and node.next is None and leaves:
            leaves.pop()()
            node = node.parent
        node = node.next if node is not None and leaves else None


type _Leave = Callable[[], None]


def _nothing() -> None:
    pass


@dataclass(slots=True)
class _List:
    """A list that is open; an ordered one counts."""

    is_ordered: bool
    count: int = 0


@dataclass(slots=True)
class _Table:
    """A table of data that is open; its text goes into the last cell of the last row."""

    rows: list[list[str]] = field(default_factory=list[list[str]])


class _Page:
    """Turns what a walk meets into blocks."""

    def __init__(self) -> None:
        self.writer = MarkdownWriter()
        self._inline: list[str] = []
        self._lists: list[_List] = []
        self._marker = ""
        self._heading = 0
        self._code: list[str] | None = None
        self._code_language = ""
        self._table: _Table | None = None

    def enter(self, node: LexborNode) -> "_Leave | None":
        """Take a node; None says that nothing below it counts."""
        tag = node.tag or ""
        if tag == "-text":
            self._text(node.text_content or "")
            return None
        if tag.startswith("-") or tag in _SKIPPED or _is_hidden(node):
            return None
        if self._code is not None:
            return self._in_code(tag)
        if self._table is not None:
            return self._in_table(tag, self._table)
        return self._in_flow(tag, node)

    def flush(self) -> None:
        """End the block at hand."""
        text, self._inline = "".join(self._inline), []
        if not text.strip():
            return
        if self._heading:
            self.writer.heading(self._heading, text)
        elif self._lists and self._marker:
            self.writer.entry(self._marker, len(self._lists) - 1, text)
            self._marker = ""
        else:
            self.writer.paragraph(text)

    def _text(self, text: str) -> None:
        if self._code is not None:
            self._code.append(text)
        elif self._table is not None:
            self._to_cell(self._table, text)
        else:
            self._inline.append(re.sub(r"\s+", " ", text))

    def _in_code(self, tag: str) -> _Leave:
        if tag == "br":
            self._text("\n")
        return _nothing

    def _in_table(self, tag: str, table: _Table) -> _Leave:
        if tag == "tr" or (tag in _CELLS and not table.rows):
            table.rows.append([])
        if tag in _CELLS:
            table.rows[-1].append("")
        elif tag in _BLOCKS or tag == "br":
            self._to_cell(table, " ")
        return _nothing

    def _in_flow(self, tag: str, node: LexborNode) -> _Leave:
        if heading := _HEADING.match(tag):
            return self._begin_heading(int(heading[1]))
        if tag == "pre":
            return self._begin_code(node)
        if tag == "table" and not _is_layout(node):
            return self._begin_table(node)
        if tag in _LISTS:
            return self._begin_list(is_ordered=tag == "ol")
        if tag in _BLOCKS:
            self.flush()
            if tag == "li":
                self._marker = self._next_marker()
            return self.flush
        return self._inline_mark(tag, node)

    def _inline_mark(self, tag: str, node: LexborNode) -> _Leave:
        if tag == "br":
            self._inline.append("\n")
        elif tag == "img":
            self._inline.append(str(node.attributes.get("alt") or ""))
        elif tag in {"code", "kbd", "samp", "tt"}:
            self._inline.append("`")
            return lambda: self._inline.append("`")
        return _nothing

    def _begin_heading(self, level: int) -> _Leave:
        self.flush()
        self._heading = level

        def end() -> None:
            self.flush()
            self._heading = 0

        return end

    def _begin_code(self, node: LexborNode) -> _Leave:
        self.flush()
        self._code, self._code_language = [], _code_language(node)

        def end() -> None:
            code, self._code = "".join(self._code or ()), None
            self.writer.code(code, self._code_language)

        return end

    def _begin_list(self, *, is_ordered: bool) -> _Leave:
        self.flush()
        self._lists.append(_List(is_ordered))

        def end() -> None:
            self.flush()
            self._lists.pop()
            if not self._lists:
                self.writer.end_list()

        return end

    def _next_marker(self) -> str:
        if not self._lists:
            self._lists.append(_List(is_ordered=False))
        current = self._lists[-1]
        current.count += 1
        return f"{current.count}." if current.is_ordered else "-"

    def _begin_table(self, node: LexborNode) -> _Leave:
        self.flush()
        if caption := node.css_first("caption"):
            self.writer.paragraph(caption.text())
        self._table = _Table()
        return self._end_table

    def _end_table(self) -> None:
        if self._table is not None:
            self.writer.table(self._table.rows)
            self._table = None

    def _to_cell(self, table: _Table, text: str) -> None:
        if table.rows and table.rows[-1]:
            table.rows[-1][-1] += text


def _is_layout(table: LexborNode) -> bool:
    """Tell a table that arranges a page from one of data; itself counts as a table in it."""
    return table.css_first(_HEADINGS) is not None or len(table.css("table")) > 1


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    # The sign behind a heading that links to it.
    return "headerlink" in str(attributes.get("class") or "").split()


def _code_language(node: LexborNode) -> str:
    """Read the language off the block, its `code`, or the boxes that highlighters put around."""
    around = [node.css_first("code"), node, node.parent, node.parent and node.parent.parent]
    for each in around:
        found = each and _CODE_LANGUAGE.search(str(each.attributes.get("class") or ""))
        if found and found[1] not in {"default", "none", "text"}:
            return found[1]
    return ""
