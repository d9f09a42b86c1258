"""Record a turn once: everything that is kept of it after its last token.

A failure here is logged and counted and never withholds the answer; the turn then says
`recorded: false`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import Turn
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

    async def record(self, turn: Turn, last_batch: JournalBatch | None) -> Turn:
        """Store an ended turn and return it, marked when it could not be stored; never raises.

        `recorded` speaks of the conversation alone; a transcript may be missing all the same.
        """
        if self._transcripts is None:
            return await self._finish(turn, last_batch)
        recorded, _ = await asyncio.gather(
            self._finish(turn, last_batch), self._transcripts.write(turn)
        )
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
