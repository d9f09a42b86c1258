"""A passage's layout: headings, paragraphs, list items, table rows and lines of code.

Reads Markdown and plain text, tolerantly, for a passage may begin and end anywhere. It knows
nothing of sentences.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """What a block is."""

    HEADING = auto()
    PARAGRAPH = auto()
    ITEM = auto()
    ROW = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """A block; its text has single spaces and is otherwise that of the passage.

    `marker` is the bullet or number of a list item. A block of code is one line. The line below
    a table's header is a row without text.
    """

    kind: Kind
    text: str
    marker: str = ""


_FENCE: Final = re.compile(r"\s*(`{3,}|~{3,})")
_TICKS: Final = re.compile(r"\s*(`{3,})")  # unlike tildes, they never underline a heading
_HEADING: Final = re.compile(r"\s{0,3}#{1,6}\s+(?=\S)")
_UNDERLINE: Final = re.compile(r"\s{0,3}([=\-^*~\"+])\1{2,}\s*$")
_RULE: Final = re.compile(r"\s{0,3}(?:[-*_=~+]\s?){3,}$")
_ITEM: Final = re.compile(r"\s*([-*+•]|\d{1,3}[.)])\s+(?=\S)")
_MARKUP_LINE: Final = re.compile(r"\s*(?:<[^<>]*>\s*)+$|\s*<!--|\.\. ")
_PROSE_SIGN: Final = re.compile(r"[.,:;!?]$|^#{1,6} ")
_LONGEST_SHOUT: Final = 60
_CODE_SIGN: Final = re.compile(r"[{};=$|\\<>()]|(?:^|\s)--?\w|^\s*[\w./-]+: ?\S*$|^\s*#|_")


@dataclass(slots=True)
class _Open:
    """The paragraph or list item that following lines may still belong to."""

    kind: Kind = Kind.PARAGRAPH
    marker: str = ""
    lines: list[str] = field(default_factory=list[str])

    def close(self) -> Iterator[Block]:
        text = " ".join(" ".join(self.lines).split())
        if text:
            kind = Kind.HEADING if _is_bold(text) else self.kind
            yield Block(kind, text, self.marker)
        self.kind, self.marker, self.lines = Kind.PARAGRAPH, "", []


def split_blocks(text: str) -> list[Block]:
    """Split a passage into blocks in their order."""
    return list(_blocks(text.replace("\r\n", "\n").split("\n")))


def _blocks(lines: list[str]) -> Iterator[Block]:
    current = _Open()
    fence = _fence_before(lines)
    for line in lines:
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            else:
                yield from _code(line)
        elif (opening := _FENCE.match(line)) and not (current.lines and _UNDERLINE.match(line)):
            yield from current.close()
            fence = opening.group(1)
        elif not current.lines and _is_code(line):
            yield from _code(line)
        else:
            yield from _prose_line(line, current)
    yield from current.close()


def _fence_before(lines: list[str]) -> str:
    """Tell the fence of a block of code that the passage begins inside of, empty for none.

    Only an opening fence names a language, so an odd number of fences before the first that does
    begins with a closing one. Where none does, the side that looks more like code is inside.
    """
    fences = [(i, match.group(1)) for i, line in enumerate(lines) if (match := _TICKS.match(line))]
    if not fences:
        return ""
    named = [bool(lines[i].strip().strip("`")) for i, _ in fences]
    if True in named:
        begins_inside = named.index(True) % 2 == 1
    else:
        before, after = lines[: fences[0][0]], lines[fences[-1][0] + 1 :]
        begins_inside = len(fences) % 2 == 1 and _share_of_code(before) > _share_of_code(after)
    return fences[0][1] if begins_inside else ""


def _share_of_code(lines: list[str]) -> float:
    written = [line for line in lines if line.strip()]
    return sum(not _PROSE_SIGN.search(line) for line in written) / max(1, len(written))


def _prose_line(line: str, current: _Open) -> Iterator[Block]:
    line = line.lstrip("> ") if line.lstrip().startswith(">") else line
    if _UNDERLINE.match(line) and current.kind is Kind.PARAGRAPH and len(current.lines) == 1:
        current.kind = Kind.HEADING
        yield from current.close()
    elif not line.strip() or _RULE.match(line) or _MARKUP_LINE.match(line):
        yield from current.close()
    elif heading := _HEADING.match(line):
        yield from current.close()
        yield Block(Kind.HEADING, " ".join(line[heading.end() :].rstrip("# ").split()))
    elif line.lstrip().startswith("|"):
        yield from current.close()
        text = " ".join(line.strip("| \t").split())
        yield Block(Kind.ROW, text if text.strip("|:- ") else "")
    elif not current.lines and _is_shouted(line):
        yield Block(Kind.HEADING, " ".join(line.split()))
    else:
        if item := _ITEM.match(line):
            yield from current.close()
            current.kind, current.marker = Kind.ITEM, item.group(1)
            line = line[item.end() :]
        current.lines.append(line)


def _is_shouted(line: str) -> bool:
    """Manual pages mark their headings with capitals at the margin, and with nothing else."""
    return line.isupper() and not line[0].isspace() and len(line) < _LONGEST_SHOUT


def _code(line: str) -> Iterator[Block]:
    text = " ".join(line.split())
    if text:
        yield Block(Kind.CODE, text)


def _is_bold(text: str) -> bool:
    return text.startswith("**") and text.endswith("**") and text.count("**") == 2


def _is_code(line: str) -> bool:
    if line.lstrip().startswith(">>> "):
        return True
    return line.startswith(("    ", "\t")) and _looks_like_code(line)


def _looks_like_code(line: str) -> bool:
    return bool(_CODE_SIGN.search(line)) and not line.rstrip().endswith((".", ","))
