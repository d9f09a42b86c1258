"""Close what a cut-off Markdown text leaves open, so that what follows it reads as text."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_EMPHASIS = re.compile(r"\*\*|~~|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])")


def close_open_constructs(text: str) -> str:
    """Return what must be appended to `text`: a closing fence, backticks, emphasis marks."""
    if fence := _open_fence(text):
        return ("" if text.endswith("\n") else "\n") + fence
    paragraph = _CODE.sub("", text.rpartition("\n\n")[2])
    if ticks := re.findall(r"`+", paragraph):
        return ticks[0]
    return _open_emphasis(paragraph)


def _open_fence(text: str) -> str | None:
    open_fence: str | None = None
    for match in _FENCE.finditer(text):
        mark = match.group(1)
        if open_fence is None:
            open_fence = mark
        elif mark[0] == open_fence[0] and len(mark) >= len(open_fence):
            open_fence = None
    return open_fence


def _open_emphasis(paragraph: str) -> str:
    is_open: list[str] = []
    for mark in _EMPHASIS.findall(paragraph):
        if mark in is_open:
            del is_open[is_open.index(mark) :]
        else:
            is_open.append(mark)
    return "".join(reversed(is_open))
