"""The answer under its shields: no text leaves before the shields have passed it.

Text is checked window by window, together with what left before it, so that what is split over
two windows is seen whole. At a hit the shield's text follows what has left, and the answer ends.
A stage that no shield needs is absent.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from lightspeed_core.assistant.shields.checks import Checked, Checks
from lightspeed_core.assistant.shields.shield import (
    Block,
    Direction,
    Rewrite,
    Shield,
    those_that_check,
    those_that_rewrite,
)
from lightspeed_core.assistant.shields.windows import Held, Window
from lightspeed_core.domain.events import (
    CitationVerified,
    ModelEvent,
    ModelFinished,
    Refused,
    TextDelta,
    TurnEvent,
    Warned,
)
from lightspeed_core.domain.turn import TurnWarning
from lightspeed_core.errors import LightspeedError

type Event = TurnEvent | ModelEvent
type Events = AsyncGenerator[Event]


def guard_answer(events: Events, shields: Sequence[Shield], checks: Checks) -> Events:
    """Add a stage for each shield that may rewrite answers, and one for all that check them."""
    for shield in those_that_rewrite(shields, Direction.OUTPUT):
        events = _staged(events, _stage_of(_Rewriting, shield, checks), checks)
    if guards := those_that_check(shields, Direction.OUTPUT):
        events = _staged(events, lambda: _Checking(guards, checks), checks)
    return events


class _Stage(Protocol):
    """What becomes of windows; events that follow a `Refused` are not read any more."""

    async def take(self, window: Window) -> list[Event]:
        """Judge a window and return what may leave now."""
        ...

    async def end(self) -> list[Event]:
        """Return what may leave when a model call is over."""
        ...


def _stage_of(
    kind: Callable[[Shield, Checks], _Stage], shield: Shield, checks: Checks
) -> Callable[[], _Stage]:
    return lambda: kind(shield, checks)


async def _staged(events: Events, make_stage: Callable[[], _Stage], checks: Checks) -> Events:
    guarded = _Guarded(make_stage(), checks)
    try:
        async with aclosing(events):
            async for event in events:
                for released in await guarded.take(event):
                    yield released
                    if isinstance(released, Refused):
                        return
    except LightspeedError:
        # What the model said before it broke is kept, once it is checked.
        for released in await guarded.flush():
            yield released
            if isinstance(released, Refused):
                return
        raise


class _Guarded:
    """The events of an answer on their way through a stage; what is no text passes at once."""

    def __init__(self, stage: _Stage, checks: Checks) -> None:
        settings = checks.settings
        self._stage = stage
        self._held = Held(
            sentences=settings.window_sentences,
            shortest=settings.shortest_window,
            longest=settings.window_characters,
        )

    async def take(self, event: Event) -> list[Event]:
        match event:
            case TextDelta() | CitationVerified():
                self._held.add(event)
                return await self._windows()
            case ModelFinished():
                *released, last = [*await self.flush(), event]
                # What the call used is counted also where its answer is refused.
                is_refused = _is_refused(released)
                return [*released[:-1], last, released[-1]] if is_refused else [*released, last]
            case Refused():
                released = await self.flush()
                return released if _is_refused(released) else [*released, event]
            case _:
                return [event]

    async def flush(self) -> list[Event]:
        released = await self._windows()
        rest = self._held.rest()
        if rest is not None and not _is_refused(released):
            released += await self._stage.take(rest)
        return released if _is_refused(released) else released + await self._stage.end()

    async def _windows(self) -> list[Event]:
        released = list[Event]()
        while not _is_refused(released) and (window := self._held.next_window()) is not None:
            released += await self._stage.take(window)
        return released


def _is_refused(events: Sequence[Event]) -> bool:
    return any(isinstance(event, Refused) for event in events)


class _Told:
    """Warnings, each told once an answer."""

    def __init__(self) -> None:
        self._told = set[TurnWarning]()

    def news(self, warnings: Sequence[TurnWarning]) -> list[Event]:
        """Return those that were not told before."""
        new = [each for each in dict.fromkeys(warnings) if each not in self._told]
        self._told.update(new)
        return [Warned(each) for each in new]


class _Checking:
    """Shields that pass or block, all asked at once; the first that blocks decides."""

    def __init__(self, shields: Sequence[Shield], checks: Checks) -> None:
        self._shields = shields
        self._checks = checks
        self._told = _Told()
        self._behind = ""

    async def take(self, window: Window) -> list[Event]:
        if not window.text:
            return [*window.pieces]
        seen = self._behind + window.text
        said = await self._checks.ask_all(self._shields, seen, Direction.OUTPUT)
        released = self._told.news([warning for each in said for warning in each.warnings])
        if (refusal := _first_refusal(said)) is not None:
            return [*released, refusal]
        look_behind = self._checks.settings.look_behind
        self._behind = seen[-look_behind:] if look_behind else ""
        return [*released, *window.pieces]

    async def end(self) -> list[Event]:
        return []


class _Rewriting:
    """One shield that rewrites; a window leaves when its successor is known not to belong to it.

    Where the two together are rewritten otherwise than one by one, what they share is rewritten
    as a whole.
    """

    def __init__(self, shield: Shield, checks: Checks) -> None:
        self._shield = shield
        self._checks = checks
        self._told = _Told()
        self._news = list[Event]()
        self._waiting: tuple[Window, str] | None = None

    async def take(self, window: Window) -> list[Event]:
        try:
            released = await self._advanced(window)
        except _Blocked as blocked:
            released = [*await self.end(), blocked.refusal]
        news, self._news = self._news, []
        return [*news, *released]

    async def end(self) -> list[Event]:
        waiting, self._waiting = self._waiting, None
        return [] if waiting is None else self._released(*waiting)

    async def _advanced(self, window: Window) -> list[Event]:
        own = await self._ask(window.text)
        if self._waiting is None:
            self._waiting = (window, own)
            return []
        before, rewritten = self._waiting
        both = before + window
        joined = await self._ask(both.text)
        if joined == rewritten + own:
            self._waiting = (window, own)
            return self._released(before, rewritten)
        self._waiting = (both, joined)
        is_long = len(both.text) > 2 * self._checks.settings.window_characters
        return await self.end() if is_long else []

    async def _ask(self, text: str) -> str:
        if not text:
            return text
        said = await self._checks.ask(self._shield, text, Direction.OUTPUT)
        self._news += self._told.news(said.warnings)
        if (refusal := _first_refusal([said])) is not None:
            raise _Blocked(refusal)
        return said.verdict.text if isinstance(said.verdict, Rewrite) else text

    def _released(self, window: Window, rewritten: str) -> list[Event]:
        if rewritten == window.text:
            return [*window.pieces]
        name = self._shield.info.identifier
        warning = TurnWarning(code="answer_rewritten", message=f"Shield {name} changed the answer.")
        kept = (
            piece
            for piece in window.pieces
            if isinstance(piece, CitationVerified) and piece.citation.marker in rewritten
        )
        text = [TextDelta((rewritten,))] if rewritten else []
        return [*self._told.news([warning]), *text, *kept]


class _Blocked(Exception):
    """The shield ended the answer."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.shield)
        self.refusal = refusal


def _first_refusal(said: Sequence[Checked]) -> Refused | None:
    for each in said:
        if isinstance(each.verdict, Block):
            return Refused(each.shield, each.verdict.text)
    return None
