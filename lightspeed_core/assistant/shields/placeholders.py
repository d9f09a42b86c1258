"""Puts back for the user what a shield took out of the question; nobody else sees it.

What is stored, journaled and searched keeps the placeholders. It knows no shield.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from lightspeed_core.domain.events import (
    ModelEvent,
    TextDelta,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
)
from lightspeed_core.domain.turn import Turn


class Restorer:
    """Replaces placeholders in what a user is shown; empty, it changes nothing."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def text(self, text: str) -> str:
        """Return a text with its placeholders replaced."""
        return self._pattern.sub(lambda found: self._values[found[0]], text)

    def turn(self, turn: Turn) -> Turn:
        """Return a turn as its user is shown it."""
        return replace(turn, text=self.text(turn.text)) if self._values else turn

    def event(self, event: TurnEvent) -> TurnEvent:
        """Return an event as its user is shown it; `keep_whole` has gathered its placeholders."""
        if not self._values:
            return event
        match event:
            case TextDelta(tokens):
                return TextDelta(tuple(map(self.text, tokens)))
            case TurnCompleted(turn) | TurnInterrupted(turn) | TurnFailed(turn):
                return replace(event, turn=self.turn(turn))
            case _:
                return event


async def keep_whole(
    events: AsyncGenerator[TurnEvent | ModelEvent], placeholders: Mapping[str, str]
) -> AsyncGenerator[TurnEvent | ModelEvent]:
    """Join the tokens over which a placeholder is spread; others pass as they are."""
    held = _Tail(tuple(placeholders))
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                if tokens := held.feed(event.tokens):
                    yield TextDelta(tokens)
                continue
            if rest := held.flush():
                yield TextDelta(rest)
            yield event
    if rest := held.flush():
        yield TextDelta(rest)


class _Tail:
    """Holds back the end of a text while it may be the beginning of a placeholder."""

    def __init__(self, placeholders: tuple[str, ...]) -> None:
        self._placeholders = placeholders
        self._held = ""

    def feed(self, tokens: tuple[str, ...]) -> tuple[str, ...]:
        released = list[str]()
        for token in tokens:
            self._held += token
            open_from = self._open_from()
            if open_from:
                released.append(self._held[:open_from])
                self._held = self._held[open_from:]
        return tuple(released)

    def flush(self) -> tuple[str, ...]:
        rest, self._held = self._held, ""
        return (rest,) if rest else ()

    def _open_from(self) -> int:
        """Find where the last placeholder begins that is not whole; the end, where none does."""
        text = self._held
        longest = max(map(len, self._placeholders)) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(each.startswith(text[start:]) for each in self._placeholders):
                return start
        return len(text)
