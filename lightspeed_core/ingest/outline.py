"""Reads the headings of a Markdown text; knows neither files nor chunks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LINE = re.compile(
    r"""^[ ]{0,3}(?:
        (?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)
      | (?P<level>\#{1,6})(?:[ \t]+(?P<title>[^\n]*))?
    )$""",
    re.MULTILINE | re.VERBOSE,
)
_CLOSING_HASHES = re.compile(r"[ \t]+#+[ \t]*$")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")

_LONGEST_TITLE: Final = 200


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
    """Cut a text at its headings (`#` to `######`), whatever stands in code fences aside."""
    heads = list(_headings(text))
    first = heads[0].start() if heads else len(text)
    found = [Section(start=0, body=0, end=first, path=())] if text[:first].strip() else []
    path: list[tuple[int, str]] = []
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        level = len(head["level"])
        path = [(above, title) for above, title in path if above < level]
        path.append((level, _plain(head["title"] or "")))
        found.append(
            Section(
                start=head.start(),
                body=head.end(),
                end=end,
                path=tuple(title for _, title in path if title),
            )
        )
    return found


def first_heading(text: str) -> str | None:
    """Return the title of the first heading that has one."""
    return next((title for head in _headings(text) if (title := _plain(head["title"] or ""))), None)


def _headings(text: str) -> Iterator[re.Match[str]]:
    fence = ""
    for line in _LINE.finditer(text):
        mark = line["fence"]
        if mark is None:
            if not fence:
                yield line
        elif not fence:
            is_span = mark[0] == "`" and "`" in line["info"]
            fence = "" if is_span else mark
        elif mark.startswith(fence) and not line["info"].strip():
            fence = ""


def _plain(title: str) -> str:
    title = _LINK.sub(r"\1", _CLOSING_HASHES.sub("", title[:_LONGEST_TITLE]))
    return re.sub(r"[`*]", "", title).strip()
