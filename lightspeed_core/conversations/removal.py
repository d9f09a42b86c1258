"""Deletes a conversation with what others keep of it. Does not know who keeps what, or why."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from lightspeed_core.conversations.store import ConversationStore


class Traces(Protocol):
    """What is kept of conversations outside of their store."""

    async def remove(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        """Remove what is kept of a conversation in which these users asked.

        Raises `StorageFailed` when it cannot be removed.
        """
        ...


class Removal:
    """Deletes conversations, with their traces where these are named."""

    def __init__(self, store: ConversationStore, traces: Traces | None = None) -> None:
        self._store = store
        self._traces = traces

    async def remove(self, conversation_id: str, *, idle_for: timedelta | None = None) -> bool:
        """Delete a conversation, as the store's `delete` does; false when there is none.

        Raises `StorageFailed` when traces of it cannot be removed; it is then still there.
        """
        if self._traces is None:
            return await self._store.delete(conversation_id, idle_for=idle_for)
        # First the traces: who dies in between leaves a conversation that can be deleted again.
        users = await self._store.users_of(conversation_id)
        await self._traces.remove(conversation_id, users)
        removed = await self._store.delete(conversation_id, idle_for=idle_for)
        if removed:
            # And once more what a turn has left that ended just then.
            await self._traces.remove(conversation_id, users)
        return removed
