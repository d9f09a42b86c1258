"""What callers may do with conversations: their own, and others' by the actions on these.

It decides who may, and how a conversation is deleted; it knows neither HTTP nor databases.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from lightspeed_core.config.authorization import ACTIONS_ON_OTHERS, Action
from lightspeed_core.conversations.leasing import POLL
from lightspeed_core.conversations.models import Conversation
from lightspeed_core.conversations.removal import Removal
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import Forbidden, NotFound
from lightspeed_core.observability.notes import note

_STOP_SECONDS: Final = 3.0


def own_only(caller: Identity) -> Identity:
    """Return the caller without any power over other people's conversations."""
    return replace(caller, actions=caller.actions - ACTIONS_ON_OTHERS)


async def get_permitted(
    store: ConversationStore,
    conversation_id: str,
    caller: Identity,
    *,
    verb: str,
    powers: Sequence[Action],
) -> Conversation:
    """Return the caller's conversation, or another's to a caller who has one of `powers`.

    Raises `NotFound`, and `Forbidden` that says what could not be done with `verb`.
    """
    note(conversation_id=conversation_id)
    conversation = await store.find(conversation_id)
    if conversation is None:
        raise NotFound("conversation", conversation_id)
    if conversation.user_id == caller.user_id:
        return conversation
    note(owner=conversation.user_id)
    power = next(filter(caller.may, powers), None)
    if power is None:
        raise Forbidden(
            "User does not have permission to perform this action",
            f"User {caller.user_id} does not have permission to {verb} conversation with ID "
            f"{conversation_id}",
        )
    note(power=power)
    return conversation


class ConversationAccess:
    """Conversations as one caller sees them.

    All calls raise `NotFound` for what does not exist and `Forbidden` for what is another's.
    """

    def __init__(
        self,
        store: ConversationStore,
        removal: Removal | None = None,
        *,
        stop_within: float = _STOP_SECONDS,
    ) -> None:
        self._store = store
        self._removal = removal or Removal(store)
        self._stop_within = stop_within

    @property
    def are_complete(self) -> bool:
        """Say whether everything that an earlier service left can be found."""
        return self._store.is_complete

    async def list(
        self, caller: Identity, *, limit: int | None = None, after: str | None = None
    ) -> Sequence[Conversation]:
        """Return conversations, newest first: at most `limit`, beginning behind `after`."""
        power = Action.LIST_OTHER_CONVERSATIONS
        if after is not None:
            await get_permitted(self._store, after, caller, verb="list", powers=[power])
        user_id = None if caller.may(power) else caller.user_id
        if user_id is None:
            note(power=power)
        return await self._store.list(user_id, limit=limit, after=after)

    async def history(
        self,
        caller: Identity,
        conversation_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
    ) -> Sequence[Turn]:
        """Return the turns that have ended, oldest first, beginning behind turn `after`."""
        powers = [Action.READ_OTHER_CONVERSATIONS]
        await get_permitted(self._store, conversation_id, caller, verb="read", powers=powers)
        if after is not None:
            mark = await self._store.find_turn(after)
            if mark is None or mark.conversation_id != conversation_id:
                raise NotFound("turn", after)
        return await self._store.list_turns(conversation_id, limit=limit, after=after)

    async def rename(self, caller: Identity, conversation_id: str, topic_summary: str) -> None:
        """Give a conversation a topic."""
        powers = [Action.QUERY_OTHER_CONVERSATIONS]
        await get_permitted(self._store, conversation_id, caller, verb="update", powers=powers)
        if not await self._store.rename(conversation_id, topic_summary):
            raise NotFound("conversation", conversation_id)

    async def delete(self, caller: Identity, conversation_id: str) -> bool:
        """Stop what runs in a conversation, then delete all of it; false when there is none.

        Raises `StorageFailed` when what is kept of it elsewhere cannot be deleted.
        """
        powers = [Action.DELETE_OTHER_CONVERSATIONS]
        try:
            await get_permitted(self._store, conversation_id, caller, verb="delete", powers=powers)
        except NotFound:
            return False
        await self._stop_turns(conversation_id)
        return await self._removal.remove(conversation_id)

    async def _stop_turns(self, conversation_id: str) -> None:
        """Have live turns stopped by whichever workers run them, and give them a moment to end.

        A worker that does not heed the wish in time learns that its turn is gone when it renews
        the lease, and can store nothing more of it.
        """
        asked: set[str] = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._stop_within):
                while live := await self._store.live_turns(conversation_id):
                    for turn_id in live:
                        if turn_id not in asked:
                            await self._store.request_interrupt(turn_id)
                    asked.update(live)
                    await asyncio.sleep(POLL)
