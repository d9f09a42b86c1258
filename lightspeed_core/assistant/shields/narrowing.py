"""Finds the parts of a text that a shield objects to, so that the rest of it can stay.

Parts are the strings of a JSON value, else paragraphs or lines. What is kept has passed the shield
as a whole once more. It knows neither documents nor tools.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from lightspeed_core.assistant.shields.checks import Checked, Checks
from lightspeed_core.assistant.shields.shield import Block, Direction, Pass, Rewrite, Shield
from lightspeed_core.assistant.together import together

LEFT_OUT: Final = "[This text was left out.]"
"""Stands for a text or a part of it that a shield has blocked."""

MOST_QUESTIONS: Final = 64
"""How often a shield is asked about parts of one text; then it goes as a whole."""

_AT_ONCE: Final = 8
_GAPS: Final = (re.compile(r"(\n\s*\n)"), re.compile(r"(\n)"))


async def narrowed(
    text: str, said: Checked, shield: Shield, checks: Checks
) -> tuple[str, bool] | None:
    """Return a text of which a shield has said this without the parts that it objects to.

    With it comes whether they were left out rather than rewritten. None where no part can be told
    apart. A text that is no JSON was rewritten as well as can be by the shield itself.
    """
    parts = _strings_of(text)
    if parts is None and isinstance(said.verdict, Block):
        parts = _paragraphs_of(text)
    if parts is None:
        return None
    narrowing = _Narrowing(shield, checks)
    try:
        rest = parts.join(await narrowing.judged(parts.texts))
        is_clean = isinstance((await narrowing.ask(rest)).verdict, Pass)
    except _GaveUpError:
        return None
    return (rest, narrowing.left_out) if is_clean else None


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a text, and what makes a text of them again."""

    texts: tuple[str, ...]
    join: Callable[[Sequence[str]], str]


class _GaveUpError(Exception):
    """The shield failed, or was asked too often."""


class _Narrowing:
    """Asks one shield about ever smaller groups of parts."""

    def __init__(self, shield: Shield, checks: Checks) -> None:
        self._shield = shield
        self._checks = checks
        self._left = MOST_QUESTIONS
        self.left_out = False

    async def judged(self, texts: Sequence[str]) -> list[str]:
        """Return the texts, with others in the places of those that do not pass."""
        size = -(-len(texts) // _AT_ONCE)
        groups = [texts[at : at + size] for at in range(0, len(texts), size)]
        said = await together(self.ask("\n".join(group)) for group in groups)
        judged = list[str]()
        for group, each in zip(groups, said, strict=True):
            match each.verdict:
                case Pass():
                    judged += group
                case _ if len(group) > 1:
                    judged += await self.judged(group)
                case Rewrite(text):
                    judged.append(text)
                case Block():
                    self.left_out = True
                    judged.append(LEFT_OUT)
        return judged

    async def ask(self, text: str) -> Checked:
        """Ask the shield; raises `_GaveUpError`."""
        if not text.strip():
            return Checked(self._shield.info.identifier, Pass())
        self._left -= 1
        if self._left < 0:
            raise _GaveUpError
        said = await self._checks.ask(self._shield, text, Direction.DOCUMENT)
        if said.failure is not None:
            raise _GaveUpError
        return said


def _paragraphs_of(text: str) -> _Parts | None:
    for gap in _GAPS:
        pieces = gap.split(text)
        if len(pieces) > 1:
            gaps = [*pieces[1::2], ""]
            return _Parts(tuple(pieces[::2]), partial(_with_gaps, gaps))
    return None


def _with_gaps(gaps: Sequence[str], texts: Sequence[str]) -> str:
    return "".join(text + gap for text, gap in zip(texts, gaps, strict=True))


def _strings_of(text: str) -> _Parts | None:
    """Return the strings of a JSON value, None for what is none or has none."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        value = json.loads(text)
        texts = tuple(_strings(value))
    except (ValueError, RecursionError):
        return None
    return _Parts(texts, partial(_with_strings, value)) if texts else None


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in cast("dict[str, object]", value).values():
                yield from _strings(each)
        case list():
            for each in cast("list[object]", value):
                yield from _strings(each)
        case _:
            pass


def _with_strings(value: object, texts: Sequence[str]) -> str:
    return json.dumps(_replaced(value, iter(texts)), ensure_ascii=False)


def _replaced(value: object, texts: Iterator[str]) -> object:
    match value:
        case str():
            return next(texts)
        case dict():
            items = cast("dict[str, object]", value).items()
            return {key: _replaced(each, texts) for key, each in items}
        case list():
            return [_replaced(each, texts) for each in cast("list[object]", value)]
        case _:
            return value
