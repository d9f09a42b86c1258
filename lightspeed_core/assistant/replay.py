"""A turn read from the store: one that ended, or one that another worker runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace
from time import monotonic

from lightspeed_core.assistant.journal import decode_events
from lightspeed_core.assistant.live import terminal_event
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.events import TurnEvent
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import NotFound, StoreUnavailable

POLL_SECONDS = 0.1


class StoredTurnSource:
    """Follows a turn through its journal until the store knows how it ended.

    What quotas have `left` is told as it is at that moment.
    """

    def __init__(
        self,
        turn_id: str,
        store: ConversationStore,
        *,
        heartbeat: float,
        left: Callable[[], Awaitable[Mapping[str, int]]],
    ) -> None:
        self._turn_id = turn_id
        self._store = store
        self._heartbeat = heartbeat
        self._left = left

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
                yield self._events_of(batch)
            if turn.state.is_final:
                yield (terminal_event(replace(turn, available_quotas=await self._left())),)
                return
            if batches:
                last_word = monotonic()
            elif monotonic() - last_word >= self._heartbeat:
                last_word = monotonic()
                yield ()
            await asyncio.sleep(POLL_SECONDS)

    def _events_of(self, batch: JournalBatch) -> tuple[TurnEvent, ...]:
        try:
            return tuple(decode_events(batch.payload))
        except ValueError as error:
            raise StoreUnavailable("The journal of the turn is damaged") from error

    async def _turn(self) -> Turn:
        turn = await self._store.find_turn(self._turn_id)
        if turn is None:
            raise NotFound("streaming request", self._turn_id)
        return turn
