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

logger = logging.getLogger(__name__)


class TurnRecorder:
    """Writes ended turns to the conversation store."""

    def __init__(self, store: ConversationStore, on_failure: Callable[[], None]) -> None:
        self._store = store
        self._on_failure = on_failure

    async def record(self, turn: Turn, last_batch: JournalBatch | None) -> Turn:
        """Store an ended turn and return it, marked when it could not be stored; never raises."""
        try:
            await self._store.finish(turn, last_batch)
        except Exception:
            logger.exception("turn was not recorded turn_id=%s", turn.turn_id)
            self._on_failure()
            return replace(turn, recorded=False)
        logger.info("turn recorded turn_id=%s state=%s", turn.turn_id, turn.state)
        return turn
