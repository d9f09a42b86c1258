"""Text of an answer that has not left yet, cut into windows of whole sentences.

It knows no shield.
"""

import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lightspeed_core.domain.events import CitationVerified, TextDelta

type Piece = TextDelta | CitationVerified

_SENTENCE_END: Final = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019)\]*_`]*\s+|[\u3002\uff01\uff1f]+|\n\s*\n"
)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an answer: its text, and the events that it came in."""

    text: str
    pieces: tuple[Piece, ...]

    def __add__(self, other: "Window") -> "Window":
        return Window(self.text + other.text, (*self.pieces, *other.pieces))


class Held:
    """Gathers text until a window is whole: so many sentences, at least `shortest` characters.

    A text without sentences is cut at white space before it is longer than `longest`, and within a
    word only where there is none. So a piece of text up to `shortest` is in two windows at most.
    """

    def __init__(self, *, sentences: int, shortest: int, longest: int) -> None:
        self._sentences = sentences
        self._shortest = min(shortest, longest)
        self._longest = longest
        self._text = ""
        self._pieces = deque[str | CitationVerified]()

    def add(self, event: Piece) -> None:
        """Take text in, or a citation that belongs behind the text so far."""
        if isinstance(event, CitationVerified):
            self._pieces.append(event)
            return
        self._text += "".join(event.tokens)
        self._pieces.extend(event.tokens)

    def next_window(self) -> Window | None:
        """Return the next whole window, or None while there is none."""
        ends = islice(_SENTENCE_END.finditer(self._text), self._sentences - 1, None)
        whole = (each.end() for each in ends if self._shortest <= each.end() < len(self._text))
        end = next(whole, None)
        if end is None or end > self._longest:
            if len(self._text) <= self._longest:
                return None
            end = self._cut()
        return self._take(end)

    def rest(self) -> Window | None:
        """Return what is left, None for nothing."""
        if not self._pieces:
            return None
        return self._take(len(self._text))

    def _cut(self) -> int:
        spaces = (self._text.rfind(space, self._shortest, self._longest) for space in " \n\t")
        return max(spaces) + 1 or self._longest

    def _take(self, end: int) -> Window:
        """Take the first `end` characters with what stands between and behind them."""
        text, self._text = self._text[:end], self._text[end:]
        pieces = list[Piece]()
        tokens = list[str]()
        left = end
        while self._pieces:
            piece = self._pieces[0]
            if isinstance(piece, CitationVerified):
                pieces += [TextDelta(tuple(tokens)), piece] if tokens else [piece]
                tokens.clear()
            elif not left:
                break
            elif len(piece) > left:
                tokens.append(piece[:left])
                self._pieces[0] = piece[left:]
                break
            else:
                tokens.append(piece)
                left -= len(piece)
            self._pieces.popleft()
        if tokens:
            pieces.append(TextDelta(tuple(tokens)))
        return Window(text, tuple(pieces))
