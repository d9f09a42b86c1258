"""Record a turn once: everything that is kept of it after its last token.

A failure here is logged and counted and never withholds the answer; the turn then says
`recorded: false`.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import LightspeedError
from lightspeed_core.user_data.transcripts import Transcripts

logger = logging.getLogger(__name__)


class TurnRecorder:
    """Writes ended turns to the conversation store and, where they are kept, to transcripts."""

    def __init__(
        self,
        store: ConversationStore,
        on_failure: Callable[[], None],
        transcripts: Transcripts | None = None,
    ) -> None:
        self._store = store
        self._on_failure = on_failure
        self._transcripts = transcripts

    async def record(
        self, turn: Turn, last_batch: JournalBatch | None, *, is_lost: bool = False
    ) -> Turn:
        """Store an ended turn and return it, marked when it could not be stored; never raises.

        `recorded` speaks of the conversation alone; a transcript may be missing all the same.
        `is_lost` says that another worker settled the turn, or that it was deleted.
        """
        if self._transcripts is None or is_lost:
            return await self._finish(turn, last_batch)
        # Should the process die in between, whoever settles the turn writes its transcript
        # anew: so not before the turn is stored, and not after it is final.
        await self._store.opened(turn)
        await self._transcripts.write(turn)
        recorded = await self._finish(turn, last_batch)
        # Who deleted the conversation meanwhile may have looked for transcripts too early.
        if await self._is_deleted(recorded):
            await self._transcripts.withdraw(turn)
        return recorded

    async def _finish(self, turn: Turn, last_batch: JournalBatch | None) -> Turn:
        try:
            await self._store.finish(turn, last_batch)
        except Exception:
            logger.exception("turn was not recorded turn_id=%s", turn.turn_id)
            self._on_failure()
            return replace(turn, recorded=False)
        logger.info("turn recorded turn_id=%s state=%s", turn.turn_id, turn.state)
        return turn

    async def _is_deleted(self, turn: Turn) -> bool:
        """Say whether the conversation is known to be gone; one never stored is not."""
        if not turn.recorded:
            return False
        try:
            return await self._store.find(turn.conversation_id) is None
        except LightspeedError:
            return False
