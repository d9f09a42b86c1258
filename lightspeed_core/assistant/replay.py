"""A turn read from the store: one that ended, waits, or is run by another worker."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

from lightspeed_core.assistant.journal import decode_events
from lightspeed_core.assistant.live import EventLog, EventSource, terminal_event
from lightspeed_core.assistant.shields.placeholders import Restorer
from lightspeed_core.assistant.shields.sealing import Seal
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.events import QuestionRewritten, TurnEvent, TurnPaused
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import NotFound, StoreUnavailable

POLL_SECONDS = 0.1
POLL_PAUSED_SECONDS = 0.5


class StoredTurnSource:
    """Follows a turn through its journal until the store knows how it ended.

    What quotas have `left` is told as it is at that moment. The first `seen` events are left out.
    What shields took out of the question is put back where `seal` opens it.
    """

    def __init__(
        self,
        turn_id: str,
        store: ConversationStore,
        *,
        heartbeat: float,
        left: Callable[[], Awaitable[Mapping[str, int]]],
        seal: Seal | None = None,
        seen: int = 0,
    ) -> None:
        self._turn_id = turn_id
        self._store = store
        self._heartbeat = heartbeat
        self._left = left
        self._seal = seal or Seal()
        self._shown = Restorer()
        self._left_out = seen

    @property
    def turn_id(self) -> str:
        """The request id of the wire."""
        return self._turn_id

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        """Yield what the journal holds and what joins it, then the terminal event."""
        read = -1
        last_word = monotonic()
        while True:
            # The state is read before the journal: what ends in between is read the next time.
            turn = await self._turn()
            batches = await self._store.journal(self._turn_id, after=read)
            for batch in batches:
                read = batch.index
                if events := self._unseen(self._events_of(batch)):
                    yield events
            if turn.state.is_final:
                end = terminal_event(replace(turn, available_quotas=await self._left()))
                yield (self._shown.event(end),)
                return
            if batches:
                last_word = monotonic()
            elif monotonic() - last_word >= self._heartbeat:
                last_word = monotonic()
                yield ()
            is_paused = turn.state is TurnState.AWAITING_APPROVAL
            await asyncio.sleep(POLL_PAUSED_SECONDS if is_paused else POLL_SECONDS)

    def _unseen(self, events: tuple[TurnEvent, ...]) -> tuple[TurnEvent, ...]:
        """Leave out what was seen; of a rewritten question only the store is told."""
        first = 0
        while self._left_out and first < len(events):
            self._left_out -= not isinstance(events[first], QuestionRewritten)
            first += 1
        return events[first:]

    def _events_of(self, batch: JournalBatch) -> tuple[TurnEvent, ...]:
        try:
            events = decode_events(batch.payload)
        except ValueError as error:
            raise StoreUnavailable("The journal of the turn is damaged") from error
        return tuple(map(self._as_shown, events))

    def _as_shown(self, event: TurnEvent) -> TurnEvent:
        if isinstance(event, QuestionRewritten):
            self._shown = Restorer(self._seal.open(event.sealed, self._turn_id))
        return self._shown.event(event)

    async def _turn(self) -> Turn:
        turn = await self._store.find_turn(self._turn_id)
        if turn is None:
            raise NotFound("streaming request", self._turn_id)
        return turn


class UnbrokenSource:
    """Follows a turn that runs here; one that waits for its user, through the store from then on.

    `rest` returns the events of the stored turn but for the first so many.
    """

    def __init__(self, log: EventLog, rest: Callable[[int], EventSource]) -> None:
        self._log = log
        self._rest = rest

    @property
    def turn_id(self) -> str:
        """The request id of the wire."""
        return self._log.turn_id

    async def events(self) -> AsyncGenerator[tuple[TurnEvent, ...]]:
        """Yield what the log holds, then what other workers tell."""
        seen, is_paused = 0, False
        async with aclosing(self._log.events()) as batches:
            async for events in batches:
                seen += len(events)
                is_paused = bool(events) and isinstance(events[-1], TurnPaused)
                yield events
        if not is_paused:
            return
        # The event of the pause itself is in no journal.
        async with aclosing(self._rest(seen - 1).events()) as batches:
            async for events in batches:
                yield events
