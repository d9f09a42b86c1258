"""What tests ask of a Markdown page: its headings, links, anchors and code blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`[^`\n]*`")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block; `line` counts from 1."""

    language: str
    text: str
    line: int


def code_blocks(page: str) -> list[CodeBlock]:
    """Return the fenced blocks of a page in their order."""
    return [
        CodeBlock(match[2], match[3], page.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(page)
    ]


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    prose = _FENCE.sub("", page)
    found: set[str] = set()
    for heading in _HEADING.findall(prose):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = sum(1 for each in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each))
        found.add(f"{slug}-{count}" if count else slug)
    return found


def links(page: str) -> list[str]:
    """Return the targets of the links that stand outside of code."""
    return _LINK.findall(_CODE_SPAN.sub("", _FENCE.sub("", page)))


def missing_target(page: Path, link: str) -> str | None:
    """Return what is wrong with a link of a page, None for one that leads somewhere.

    Only what is inside the repository is looked at.
    """
    if re.match(r"[a-z]+:", link):
        return None
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{path} does not exist"
    if anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
        return f"{target.name} has no heading #{anchor}"
    return None
