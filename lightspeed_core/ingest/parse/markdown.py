"""Writes Markdown: the form in which every format's structure is kept.

Headings, paragraphs, lists, tables with their header and code in fences, and nothing else.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_HASHES = re.compile(r"^(#{1,6}(?:\s|$))", re.MULTILINE)
_FENCES = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}\Z")
_DEEPEST: Final = 6


class MarkdownWriter:
    """Gathers blocks in their order; `text` joins them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._in_list = False

    @property
    def text(self) -> str:
        """Everything written so far, ended by a line feed."""
        return "".join(self._parts) + "\n" if self._parts else ""

    def heading(self, level: int, text: str) -> None:
        """Write a heading; an empty one is none."""
        if title := " ".join(text.split()):
            self._block(f"{'#' * max(1, min(level, _DEEPEST))} {title}")

    def paragraph(self, text: str) -> None:
        """Write a paragraph; its lines stay lines."""
        lines = [" ".join(line.split()) for line in text.split("\n")]
        if block := "\n".join(filter(None, lines)):
            self._block(_escaped(block))

    def entry(self, marker: str, depth: int, text: str) -> None:
        """Write an entry of a list; `depth` counts from 0."""
        if body := " ".join(text.split()):
            self._block(f"{'  ' * min(depth, _DEEPEST)}{marker} {body}", in_list=True)

    def end_list(self) -> None:
        """Set the next entry apart from those before."""
        self._in_list = False

    def code(self, text: str, language: str = "") -> None:
        """Write a block of code, in a fence that it cannot close."""
        if body := text.strip("\n"):
            self._block(fenced(body, language))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write a table whose first row is its header."""
        if block := table(rows):
            self._block(block)

    def _block(self, text: str, *, in_list: bool = False) -> None:
        if self._parts:
            self._parts.append("\n" if in_list and self._in_list else "\n\n")
        self._parts.append(text)
        self._in_list = in_list


def fenced(code: str, language: str = "") -> str:
    """Put code into a fence longer than any within it."""
    longest = max((len(run) for run in _FENCES.findall(code)), default=2)
    fence = "`" * max(3, longest + 1)
    info = language if _LANGUAGE.match(language) else ""
    return f"{fence}{info}\n{code}\n{fence}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Render rows as a table; the first is the header, and short rows are filled up."""
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    width = max((len(row) for row in kept), default=0)
    if not width:
        return ""
    head, *body = [_row([*row, *[""] * (width - len(row))]) for row in kept]
    return "\n".join([head, f"|{' --- |' * width}", *body])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '\\|').split()) for cell in cells)} |"


def _escaped(block: str) -> str:
    """Keep a paragraph from becoming a heading; the rest does no harm."""
    return _HASHES.sub(r"\\\1", block)
