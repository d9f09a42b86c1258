"""Reads reStructuredText and AsciiDoc as text: headings and code are marked, the rest stays."""

import re
from collections.abc import Iterator
from typing import Final

from lightspeed_core.ingest.parse.decoding import decode
from lightspeed_core.ingest.parse.markdown import fenced
from lightspeed_core.ingest.parse.reading import Reading, clean

_RULE = re.compile(r"([!-/:-@\[-`{-~])\1{1,}\s*\Z")
_CODE_DIRECTIVE = re.compile(r"\s*\.\. (?:code-block|code|sourcecode|highlight)::\s*([\w+#.-]*)")
_DIRECTIVE_OPTION = re.compile(r"\s+:[\w-]+:")
_ADOC_HEADING = re.compile(r"(={1,6})\s+(\S.*?)(?:\s+=+)?\s*\Z")
_ADOC_FENCE = re.compile(r"(-{4,}|\.{4,})\s*\Z")
_ADOC_SOURCE = re.compile(r"\[source\s*,\s*(?:language=)?\"?([\w+#.-]+)")
_DEEPEST: Final = 6


def read_rst(data: bytes) -> Reading:
    """Read reStructuredText."""
    lines = clean(decode(data)).split("\n")
    return Reading(text=_joined(_rst_lines(lines)))


def read_asciidoc(data: bytes) -> Reading:
    """Read AsciiDoc."""
    lines = clean(decode(data)).split("\n")
    return Reading(text=_joined(_asciidoc_lines(lines)))


def _joined(lines: Iterator[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text.strip() else ""


def _rst_lines(lines: list[str]) -> Iterator[str]:
    levels: dict[tuple[str, bool], int] = {}
    index = 0
    while index < len(lines):
        if title := _rst_title(lines, index):
            text, style, length = title
            level = levels.setdefault(style, len(levels) + 1)
            yield f"{'#' * min(level, _DEEPEST)} {text}"
            index += length
        elif (code := _rst_code(lines, index)) and code[1] > index + 1:
            language, end = code
            line = lines[index]
            if not _CODE_DIRECTIVE.match(line):
                yield line
            yield from _fenced_block(lines[index + 1 : end], language)
            index = end
        else:
            yield lines[index]
            index += 1


def _rst_title(lines: list[str], index: int) -> tuple[str, tuple[str, bool], int] | None:
    """Find a title at a line; gives its text, its style and how many lines it takes."""
    over = _RULE.match(lines[index])
    at = index + 1 if over else index
    if at + 1 >= len(lines):
        return None
    text, under = lines[at].strip(), _RULE.match(lines[at + 1])
    if not text or not under or _RULE.match(lines[at]) or len(under[0].strip()) < len(text):
        return None
    if over is None and lines[at][0].isspace():
        return None
    if over is not None and over[1] != under[1]:
        return None
    return text, (under[1], over is not None), at + 2 - index


def _rst_code(lines: list[str], index: int) -> tuple[str, int] | None:
    """Find a block of code below a line; gives its language and where it ends."""
    line = lines[index]
    directive = _CODE_DIRECTIVE.match(line)
    is_literal = line.rstrip().endswith("::") and not line.lstrip().startswith("..")
    if directive is None and not is_literal:
        return None
    indent = len(line) - len(line.lstrip())
    end = last = index + 1
    while end < len(lines):
        text = lines[end]
        if text.strip():
            if len(text) - len(text.lstrip()) <= indent:
                break
            last = end + 1
        end += 1
    return directive[1] if directive else "", last


def _fenced_block(lines: list[str], language: str) -> Iterator[str]:
    body = lines
    while body and (not body[0].strip() or _DIRECTIVE_OPTION.match(body[0])):
        body = body[1:]
    indents = [len(line) - len(line.lstrip()) for line in body if line.strip()]
    margin = min(indents, default=0)
    code = "\n".join(line[margin:] for line in body).strip("\n")
    if code:
        yield ""
        yield from fenced(code, language).split("\n")


def _asciidoc_lines(lines: list[str]) -> Iterator[str]:
    fence = language = ""
    code: list[str] = []
    for line in lines:
        mark = _ADOC_FENCE.match(line)
        if fence:
            if mark and mark[1] == fence:
                yield from fenced("\n".join(code), language).split("\n")
                fence, language, code = "", "", []
            else:
                code.append(line)
        elif mark:
            fence = mark[1]
        elif source := _ADOC_SOURCE.match(line):
            language = source[1]
        elif heading := _ADOC_HEADING.match(line):
            yield f"{'#' * len(heading[1])} {heading[2]}"
        else:
            language = language if not line.strip() else ""
            yield line
    yield from code
