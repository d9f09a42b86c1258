"""Finds citation markers in Markdown that arrives token by token.

Knows which `[n]` is a marker and which is code or a link, and nothing of what makes one true.
Whatever is undecided is held back, never more than a few hundred characters, so that the work
is linear in the text and the output does not depend on where the tokens were cut.
"""

import re
from collections.abc import Callable
from typing import Final

type Judge = Callable[[int, str], bool]
"""Say whether the passage of that number supports what the text before the marker ends with."""

_CONTEXT: Final = 600
_LINE: Final = 80
_AHEAD: Final = 200
_LONGEST_RUN: Final = 64

_SPECIAL = re.compile(r"[ \t]?\[|[ \t]\Z|[`~]|\\(?![ \t])")
_BRACKET = re.compile(r"([ \t]?)\[([0-9 ,;]{1,60})\]")
_OPEN_BRACKET = re.compile(r"[ \t]?\[[0-9 ,;]{0,60}\Z")
_INSIDE_BRACKET = re.compile(r"\[[0-9 ,;]{0,60}\Z")
_NUMBER = re.compile(r"[0-9]{1,3}")
_IN_SPAN = re.compile(r"[ \t]?\[|[ \t]\Z|[`\n]")
_MAYBE_MARKER = re.compile(r"[ \t]?\[[0-9 ,;]*(?:\]|\Z)")
_BEFORE_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)?")
_BEFORE_CLOSING_FENCE = re.compile(r"[ \t>]*")


class MarkerFilter:
    """Releases text with its verified markers only; `feed` takes tokens, `flush` the end.

    A marker is `[n]`, `[n, m]` (written as `[n][m]` then) of one to three digits. Not a marker
    is what stands in a code fence, in a code span closed on its line, before `(` as a link's
    text, inside another bracket or after a backslash. A marker that the judge turns down goes
    with the blank before it.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._text = ""
        self._is_final = False
        self._line = ""
        self._context = ""
        self._dropped_blank = ""
        self._released: list[str] = []
        self._code = ""
        self._step = self._in_text

    def feed(self, token: str) -> str:
        """Take a token; return what can be released now, which may be nothing."""
        self._text += token
        return self._advance()

    def flush(self) -> str:
        """Return what was held back, taking what there is for the end of the text."""
        self._is_final = True
        try:
            return self._advance()
        finally:
            self._is_final = False

    def _advance(self) -> str:
        """Step through the text; a step says how far it came, or None to wait for more."""
        position = 0
        while position < len(self._text):
            reached = self._step(position)
            if reached is None:
                break
            position = reached
        self._text = self._text[position:]
        released = "".join(self._released)
        self._released.clear()
        return released

    def _pass(self, start: int, end: int) -> int:
        self._release(self._text[start:end])
        return end

    def _release(self, text: str) -> None:
        self._released.append(text)
        self._context = (self._context + text)[-_CONTEXT:]
        line_end = text.rfind("\n")
        line = text[line_end + 1 :] if line_end >= 0 else self._line + text
        self._line = line[:_LINE]
        self._dropped_blank = ""

    def _in_text(self, start: int) -> int | None:
        special = _SPECIAL.search(self._text, start)
        if special is None:
            return self._pass(start, len(self._text))
        if special.start() > start:
            return self._pass(start, special.start())
        match special.group()[-1]:
            case "[":
                return self._bracket(start)
            case "`" | "~":
                return self._code_start(start)
            case "\\":
                end = start + 2
                return self._pass(start, end) if self._is_known(end) else None
            case _:
                return self._pass(start, len(self._text)) if self._is_final else None

    def _bracket(self, start: int) -> int | None:
        bracket = _BRACKET.match(self._text, start)
        if bracket is None:
            if not self._is_final and _OPEN_BRACKET.match(self._text, start):
                return None
            return self._pass(start, self._text.index("[", start) + 1)
        if not self._is_known(bracket.end() + 1):
            return None
        numbers = [number.strip() for number in re.split("[,;]", bracket[2])]
        is_link = self._text.startswith("(", bracket.end())
        is_nested = _INSIDE_BRACKET.search(self._context[-_LINE:])
        if is_link or is_nested or not all(_NUMBER.fullmatch(number) for number in numbers):
            return self._pass(start, bracket.end())
        self._mark(bracket[1], [int(number) for number in numbers])
        return bracket.end()

    def _mark(self, blank: str, numbers: list[int]) -> None:
        blank = blank or self._dropped_blank
        context = self._context
        kept = [f"[{number}]" for number in numbers if self._judge(number, context)]
        if kept:
            self._release(blank + "".join(kept))
        else:
            self._dropped_blank = blank

    def _code_start(self, start: int) -> int | None:
        end = self._end_of_run(start)
        if end is None:
            return None
        run = self._text[start:end]
        is_fence: bool | None = False
        if len(run) >= 3 and _BEFORE_FENCE.fullmatch(self._line):
            is_fence = self._opens_fence(run[0], end)
            if is_fence is None:
                return None
        if is_fence:
            self._code, self._step = run, self._in_fence
        elif run[0] == "`":
            self._code, self._step = run, self._in_span
        return self._pass(start, end)

    def _opens_fence(self, char: str, start: int) -> bool | None:
        """Decide by the rest of the line: no backtick may follow a fence of backticks."""
        if char == "~":
            return True
        info = self._text[start : start + _LINE]
        decisive = re.search(r"[`\n]", info)
        if decisive is None and not self._is_known(start + _LINE):
            return None
        return decisive is None or decisive.group() == "\n"

    def _in_span(self, start: int) -> int | None:
        special = _IN_SPAN.search(self._text, start)
        if special is None:
            return self._pass(start, len(self._text))
        if special.start() > start:
            return self._pass(start, special.start())
        match special.group()[-1]:
            case "\n":
                self._step = self._in_text
                return start
            case "[":
                return self._bracket_in_span(start)
            case "`":
                return self._run_in_span(start)
            case _:
                return self._pass(start, len(self._text)) if self._is_final else None

    def _run_in_span(self, start: int) -> int | None:
        end = self._end_of_run(start)
        if end is None:
            return None
        if self._text[start:end] == self._code:
            self._step = self._in_text
        return self._pass(start, end)

    def _bracket_in_span(self, start: int) -> int | None:
        """Look whether the span closes behind the bracket; if not, it never was a span."""
        inside = self._text.index("[", start) + 1
        if not _MAYBE_MARKER.match(self._text, start):
            return self._pass(start, inside)
        ahead, line_end, _ = self._text[start : start + _AHEAD].partition("\n")
        is_whole = bool(line_end) or self._is_known(start + _AHEAD)
        behind = "(?!`)" if is_whole else "(?=[^`])"
        if re.search(f"(?<!`){self._code}{behind}", ahead):
            return self._pass(start, inside)
        if not is_whole:
            return None
        self._step = self._in_text
        return start

    def _in_fence(self, start: int) -> int | None:
        found = self._text.find(self._code[0], start)
        if found != start:
            return self._pass(start, found if found >= 0 else len(self._text))
        end = self._end_of_run(start)
        if end is None:
            return None
        if end - start >= len(self._code) and _BEFORE_CLOSING_FENCE.fullmatch(self._line):
            rest = self._text[end : end + _LINE].lstrip(" \t\r")
            if not rest and not self._is_known(end + _LINE):
                return None
            if not rest or rest[0] == "\n":
                self._step = self._in_text
        return self._pass(start, end)

    def _end_of_run(self, start: int) -> int | None:
        """Find where the run of one character ends that begins at `start`."""
        longest = start + _LONGEST_RUN
        end = start
        while end < min(len(self._text), longest) and self._text[end] == self._text[start]:
            end += 1
        return end if end < len(self._text) or self._is_known(longest) else None

    def _is_known(self, end: int) -> bool:
        """Say whether the text up to `end` is there, or will never be."""
        return self._is_final or len(self._text) >= end
