"""Finds the tables of a Markdown text, so that they can be cut between their rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_ROW = re.compile(r"[ ]{0,3}\|")
_DELIMITER = re.compile(r"[ ]{0,3}\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `lines` are the spans of its lines without line feeds, header and rule included."""

    lines: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Where the header begins."""
        return self.lines[0][0]

    @property
    def end(self) -> int:
        """Where the last row ends."""
        return self.lines[-1][1]


def tables(text: str, start: int, end: int) -> Iterator[Table]:
    """Find the tables with a header in text[start:end], whatever stands in code fences aside."""
    fence = ""
    rows: list[tuple[int, int]] = []
    for left, right in _lines(text, start, end):
        line = text[left:right]
        mark = _FENCE.match(line)
        if not fence and _ROW.match(line):
            rows.append((left, right))
            continue
        yield from _table(text, rows)
        rows = []
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
    yield from _table(text, rows)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        found = text.find("\n", start, end)
        right = end if found < 0 else found
        yield start, right
        start = right + 1


def _table(text: str, rows: list[tuple[int, int]]) -> Iterator[Table]:
    if len(rows) > 2 and _DELIMITER.match(text[rows[1][0] : rows[1][1]]):
        yield Table(tuple(rows))
