"""A turn as readers see it: a log of events that any number of them follow.

A slow reader costs the turn nothing, and one that goes away disturbs nobody: the log is bounded
by the answer itself and belongs to the turn.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from lightspeed_core.domain.events import (
    TerminalEvent,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
    TurnPaused,
)
from lightspeed_core.domain.turn import Turn, TurnError, TurnState
from lightspeed_core.errors import InternalError, LightspeedError, error_of_code


class EventSource(Protocol):
    """The events of one turn, from its first, for one reader."""

    @property
    def turn_id(self) -> str:
        """The request id of the wire."""
        ...

    def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        """Yield batches of events up to the terminal one; an empty batch after a silence.

        A turn that waits for its user says so by `TurnPaused`, to those who saw it stop.

        Raises a `LightspeedError` when the rest cannot be had.
        """
        ...


def terminal_event(turn: Turn) -> TerminalEvent:
    """Return the event that ended a stored turn."""
    match turn.state:
        case TurnState.COMPLETED:
            return TurnCompleted(turn)
        case TurnState.FAILED:
            error = turn.error or TurnError(code="internal_error", message="", cause="")
            return TurnFailed(turn, error)
        case _:
            return TurnInterrupted(turn)


def is_terminal(event: TurnEvent) -> bool:
    """Say whether nothing can follow the event."""
    return isinstance(event, TurnCompleted | TurnInterrupted | TurnFailed)


def ends_log(event: TurnEvent) -> bool:
    """Say whether the worker that ran the turn has nothing more to tell of it."""
    return is_terminal(event) or isinstance(event, TurnPaused)


async def outcome_of(source: EventSource) -> Turn:
    """Wait until a turn has ended or waits for its user; raises the error of a failed one."""
    async with aclosing(source.events()) as batches:
        async for events in batches:
            match events[-1:]:
                case (TurnFailed(_, error),):
                    raise error_of_code(error.code, error.message, error.cause)
                case (TurnCompleted(turn) | TurnInterrupted(turn) | TurnPaused(turn),):
                    return turn
                case _:
                    pass
    raise InternalError


class EventLog:
    """The events of a live turn.

    Until the first event the turn may still be refused; its readers then get the refusal.
    """

    def __init__(self, turn_id: str, *, heartbeat: float) -> None:
        self._turn_id = turn_id
        self._heartbeat = heartbeat
        self._events: list[TurnEvent] = []
        self._grown = asyncio.Event()
        self._refusal: LightspeedError | None = None
        self._readers = 0

    @property
    def turn_id(self) -> str:
        """The request id of the wire."""
        return self._turn_id

    @property
    def has_readers(self) -> bool:
        """Say whether anybody follows the events at this moment."""
        return self._readers > 0

    @property
    def has_begun(self) -> bool:
        """Say whether there is a first event, so that the turn can no longer be refused."""
        return bool(self._events)

    @property
    def has_ended(self) -> bool:
        """Say whether nothing more comes: the turn has ended here or was refused."""
        return self._refusal is not None or (self.has_begun and ends_log(self._events[-1]))

    def publish(self, event: TurnEvent) -> None:
        """Append an event and wake the readers."""
        self._events.append(event)
        self._grown.set()

    def refuse(self, error: LightspeedError) -> None:
        """End a turn that has no event yet, or that will never come to its terminal one."""
        self._refusal = error
        self._grown.set()

    async def first_event(self) -> None:
        """Return once there is an event; raises the refusal when there will be none."""
        while not self._events:
            if self._refusal is not None:
                raise self._refusal
            self._grown.clear()
            await self._grown.wait()

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        """Follow the log from its first event to the one that ends it."""
        read = 0
        self._readers += 1
        try:
            while not (read and ends_log(self._events[read - 1])):
                if read < len(self._events):
                    batch = tuple(self._events[read:])
                    read += len(batch)
                    yield batch
                elif self._refusal is not None:
                    raise self._refusal
                elif not await self._growth():
                    yield ()
        finally:
            self._readers -= 1

    async def _growth(self) -> bool:
        self._grown.clear()
        try:
            async with asyncio.timeout(self._heartbeat):
                await self._grown.wait()
        except TimeoutError:
            return False
        return True
