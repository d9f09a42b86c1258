"""Reads the headings of a Markdown text; knows neither files nor chunks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

_LINE = re.compile(
    r"""^[ ]{0,3}(?:
        (?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)
      | (?P<level>\#{1,6})(?:[ \t]+(?P<title>[^\n]*))?
      | (?P<underline>=+|-{2,})[ \t]*
    )$""",
    re.MULTILINE | re.VERBOSE,
)
# Lists, quotes, tables and tags: a line of dashes below one of them is a rule.
_NO_TITLE = re.compile(r"[ ]{4}|\t|[ ]*(?:[-*+][ \t]|[>|<])")
_FRONT_MATTER = re.compile(r"---[ \t]*\n")
_END_OF_FRONT_MATTER = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_CLOSING_HASHES = re.compile(r"[ \t]+#+[ \t]*$")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")

_LONGEST_TITLE: Final = 200
_LONGEST_BLANK: Final = 80


class _Heading(NamedTuple):
    """A heading: text[start:body] is its line, or the two lines of one that is underlined."""

    start: int
    body: int
    level: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with the text up to the next one: text[start:end], the body from `body` on.

    `path` holds the titles above and the section's own; it is empty before the first heading.
    """

    start: int
    body: int
    end: int
    path: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """Cut a text at its headings, whatever stands in code fences and front matter aside.

    Headings are those of CommonMark 0.31: `#` to `######`, and single lines above `===` or `---`.
    """
    heads = list(_headings(text))
    first = heads[0].start if heads else len(text)
    found = [Section(start=0, body=0, end=first, path=())] if text[:first].strip() else []
    path: list[tuple[int, str]] = []
    ends = [*(head.start for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        path = [(above, title) for above, title in path if above < head.level]
        path.append((head.level, head.title))
        found.append(
            Section(
                start=head.start,
                body=head.body,
                end=end,
                path=tuple(title for _, title in path if title),
            )
        )
    return found


def first_heading(text: str) -> str | None:
    """Return the title of the first heading that has one."""
    return next((head.title for head in _headings(text) if head.title), None)


def _headings(text: str) -> Iterator[_Heading]:
    fence = ""
    behind = _end_of_front_matter(text)
    for line in _LINE.finditer(text, behind):
        mark = line["fence"]
        if mark is None:
            if not fence and (head := _heading(text, line, behind)):
                behind = head.body + 1
                yield head
        elif not fence:
            is_span = mark[0] == "`" and "`" in line["info"]
            fence = "" if is_span else mark
        elif mark.startswith(fence) and not line["info"].strip():
            fence = ""
            behind = line.end() + 1


def _heading(text: str, line: re.Match[str], behind: int) -> _Heading | None:
    """Read the heading that a line is or ends; `behind` is where the block before it ended."""
    if line["underline"] is None:
        return _Heading(line.start(), line.end(), len(line["level"]), _plain(line["title"] or ""))
    end = line.start() - 1
    start = text.rfind("\n", max(0, end - _LONGEST_TITLE - 1), max(0, end)) + 1
    title = text[start : max(0, end)]
    is_alone = start == behind or _is_blank_before(text, start)
    if start < behind or not is_alone or not 0 < len(title) <= _LONGEST_TITLE:
        return None
    if not title.strip() or _NO_TITLE.match(title):
        return None
    return _Heading(start, line.end(), 1 if line["underline"][0] == "=" else 2, _plain(title))


def _is_blank_before(text: str, start: int) -> bool:
    """Say whether the line before this one is blank."""
    before = text[max(0, start - _LONGEST_BLANK) : start]
    return before.endswith("\n") and not before[:-1].rpartition("\n")[2].strip()


def _end_of_front_matter(text: str) -> int:
    """Return where the text begins behind the settings that some tools put before it."""
    opening = _FRONT_MATTER.match(text)
    closing = _END_OF_FRONT_MATTER.search(text, opening.end()) if opening else None
    return min(closing.end() + 1, len(text)) if closing else 0


def _plain(title: str) -> str:
    title = _LINK.sub(r"\1", _CLOSING_HASHES.sub("", title[:_LONGEST_TITLE]))
    return re.sub(r"[`*]", "", title).strip()
