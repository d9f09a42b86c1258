"""Deletes conversations by age. Harmless on several workers: each goes once, without blocking."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from lightspeed_core.conversations.removal import Removal
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.errors import NotReady, StorageFailed

logger = logging.getLogger(__name__)

_LOOKED_UP_AT_ONCE: Final = 100
_PAUSE_SECONDS: Final = 0.01


class ConversationRetention:
    """Keeps conversations for as long after their last message as `keep` says."""

    def __init__(self, store: ConversationStore, removal: Removal, *, keep: timedelta) -> None:
        self._store = store
        self._removal = removal
        self._keep = keep

    async def sweep(self) -> None:
        """Delete what is older, one by one, so that nobody who writes waits for long."""
        deleted = failed = 0
        behind: str | None = None
        while found := await self._store.idle(self._keep, limit=_LOOKED_UP_AT_ONCE, after=behind):
            for conversation_id in found:
                try:
                    deleted += await self._removal.remove(conversation_id, idle_for=self._keep)
                except StorageFailed as error:
                    failed += 1
                    logger.warning("conversation was not deleted by age: %s", error.cause)
                except NotReady as error:
                    logger.info("conversations were not deleted by age yet: %s", error.cause)
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            behind = found[-1]
        if deleted or failed:
            logger.info("conversations were deleted by age count=%d failed=%d", deleted, failed)
