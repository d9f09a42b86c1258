"""The conversation store in memory: the same promises, until the process ends.

Several stores may share one memory, as several workers share a database.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Self, override

from lightspeed_core.conversations.approvals import ApprovalStore
from lightspeed_core.conversations.changes import wait_at_most
from lightspeed_core.conversations.leasing import DEFAULT_LEASE, POLL, utc_now
from lightspeed_core.conversations.memory_approvals import MemoryApprovals, Worker, forget_turn
from lightspeed_core.conversations.memory_turns import Memory, StoredTurn, batches_of
from lightspeed_core.conversations.models import (
    Conversation,
    ExpiredTurn,
    JournalBatch,
    LeaseSigns,
    Summary,
)
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import NotFound


class MemoryConversationStore(MemoryStore, ConversationStore):
    """Implements `ConversationStore`; one object is one worker.

    Of more than `max_conversations` those go first in which nothing has happened for longest; one
    with a live turn stays.
    """

    def __init__(
        self,
        *,
        lease: timedelta = DEFAULT_LEASE,
        clock: Callable[[], datetime] = utc_now,
        max_conversations: int | None = None,
    ) -> None:
        self._memory = Memory()
        self._max_conversations = max_conversations
        self._lease = lease
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._running: set[str] = set()

    def beside(self) -> "MemoryConversationStore":
        """Return another worker on the same memory."""
        other = MemoryConversationStore(
            lease=self._lease, clock=self._clock, max_conversations=self._max_conversations
        )
        other._memory = self._memory
        return other

    @property
    @override
    def is_shared(self) -> bool:
        return False  # what one writes, all see at once

    @property
    @override
    def approvals(self) -> ApprovalStore:
        worker = Worker(self._owner, self._lease, self._clock, self._running)
        return MemoryApprovals(self._memory, worker)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    @override
    async def begin(self, turn: Turn) -> None:
        self._require(turn.conversation_id)
        self._receive(turn)

    @override
    def begin_new(self, turn: Turn) -> None:
        self._memory.conversations[turn.conversation_id] = Conversation(
            conversation_id=turn.conversation_id,
            user_id=turn.user_id,
            created_at=turn.started_at,
            last_message_at=turn.started_at,
            message_count=0,
            last_used_provider=turn.model.provider,
            last_used_model=turn.model.model,
        )
        self._memory.by_conversation[turn.conversation_id] = {}
        self._receive(turn)
        self._make_room()

    @override
    async def opened(self, turn: Turn) -> None:
        pass

    @override
    async def wait_for_predecessors(self, turn: Turn) -> None:
        while True:
            change = self._memory.changes.next(turn.conversation_id)
            self._require(turn.conversation_id)
            if not self._is_blocked(turn):
                return
            await wait_at_most(change, POLL)

    @override
    def append_journal(self, batch: JournalBatch) -> None:
        if (stored := self._held(batch.turn_id)) is not None:
            stored.journal.setdefault(batch.index, batch)

    @override
    async def finish(self, turn: Turn, last_batch: JournalBatch | None) -> None:
        stored = self._held(turn.turn_id)
        self._running.discard(turn.turn_id)
        if stored is None:
            return
        if last_batch is not None:
            stored.journal.setdefault(last_batch.index, last_batch)
        stored.turn = turn
        stored.ended_at = self._clock()
        stored.expires_at = None
        conversation = self._memory.conversations.pop(turn.conversation_id)
        self._memory.conversations[turn.conversation_id] = replace(
            conversation,
            last_message_at=turn.completed_at or stored.ended_at,
            last_used_provider=turn.model.provider,
            last_used_model=turn.model.model,
        )
        self._memory.changes.announce(turn.conversation_id)

    @override
    async def renew_leases(self, turn_ids: Sequence[str]) -> LeaseSigns:
        ours = {
            turn_id: stored
            for turn_id in turn_ids
            if (stored := self._memory.turns.get(turn_id)) and stored.owner == self._owner
        }
        for stored in ours.values():
            if stored.expires_at is not None:
                stored.expires_at = self._clock() + self._lease
        return LeaseSigns(
            lost=frozenset(turn_ids) - ours.keys(),
            interrupted=frozenset(
                turn_id for turn_id, stored in ours.items() if stored.is_interrupt_requested
            ),
        )

    @override
    async def claim_expired(self) -> list[ExpiredTurn]:
        """Take over expired turns, but not those that run in this very worker."""
        now = self._clock()
        claimed = [
            stored
            for turn_id, stored in self._memory.turns.items()
            if stored.is_expired(now) and turn_id not in self._running
        ]
        for stored in claimed:
            stored.owner = self._owner
            stored.expires_at = now + self._lease
        return [
            ExpiredTurn(turn=stored.turn, journal=tuple(batches_of(stored, after=-1)))
            for stored in claimed
        ]

    @override
    async def request_interrupt(self, turn_id: str) -> None:
        stored = self._memory.turns.get(turn_id)
        if stored is not None and stored.expires_at is not None:
            stored.is_interrupt_requested = True

    @override
    async def find_turn(self, turn_id: str) -> Turn | None:
        stored = self._memory.turns.get(turn_id)
        return None if stored is None else stored.turn

    @override
    async def journal(self, turn_id: str, *, after: int = -1) -> list[JournalBatch]:
        stored = self._memory.turns.get(turn_id)
        return [] if stored is None else batches_of(stored, after=after)

    @override
    async def purge_journal(self, older_than: timedelta) -> None:
        before = self._clock() - older_than
        for stored in self._memory.turns.values():
            if stored.ended_at is not None and stored.ended_at < before:
                stored.journal.clear()

    @override
    async def find(self, conversation_id: str) -> Conversation | None:
        return self._memory.conversations.get(conversation_id)

    @override
    async def history(self, conversation_id: str, *, limit: int | None = None) -> list[Turn]:
        received = self._memory.by_conversation.get(conversation_id, {}).values()
        final = [stored.turn for stored in received if stored.expires_at is None]
        return final if limit is None else final[len(final) - min(limit, len(final)) :]

    @override
    async def list_turns(
        self, conversation_id: str, *, limit: int | None = None, after: str | None = None
    ) -> Sequence[Turn]:
        received = self._memory.by_conversation.get(conversation_id, {})
        begin = 0 if after is None else _position_behind(received, after)
        final = [
            stored.turn
            for stored in list(received.values())[begin:]
            if stored.expires_at is None or stored.is_paused
        ]
        return final[:limit]

    @override
    async def find_summary(self, conversation_id: str) -> Summary | None:
        return self._memory.summaries.get(conversation_id)

    @override
    async def save_summary(self, summary: Summary, *, replaced: Summary | None) -> bool:
        key = summary.conversation_id
        if key not in self._memory.conversations or self._memory.summaries.get(key) != replaced:
            return False
        self._memory.summaries[key] = summary
        return True

    @override
    async def live_turns(self, conversation_id: str) -> Sequence[str]:
        now = self._clock()
        received = self._memory.by_conversation.get(conversation_id, {})
        return [
            turn_id
            for turn_id, stored in received.items()
            if stored.blocks(now) and not stored.is_paused
        ]

    @override
    async def rename(
        self, conversation_id: str, topic_summary: str, *, only_unnamed: bool = False
    ) -> bool:
        conversation = self._memory.conversations.get(conversation_id)
        if conversation is None or (only_unnamed and conversation.topic_summary is not None):
            return False
        renamed = replace(conversation, topic_summary=topic_summary)
        self._memory.conversations[conversation_id] = renamed
        return True

    @override
    async def delete(self, conversation_id: str, *, idle_for: timedelta | None = None) -> bool:
        if idle_for is not None and not self._is_idle(conversation_id, idle_for):
            return False
        if conversation_id not in self._memory.conversations:
            return False
        self._drop(conversation_id)
        return True

    @override
    async def idle(
        self, idle_for: timedelta, *, limit: int, after: str | None = None
    ) -> Sequence[str]:
        behind = (each for each in sorted(self._memory.conversations) if each > (after or ""))
        return list(islice((each for each in behind if self._is_idle(each, idle_for)), limit))

    @override
    async def users_of(self, conversation_id: str) -> Sequence[str]:
        conversation = self._memory.conversations.get(conversation_id)
        if conversation is None:
            return []
        received = self._memory.by_conversation[conversation_id].values()
        return list({conversation.user_id, *(stored.turn.user_id for stored in received)})

    @override
    async def list(
        self, user_id: str | None, *, limit: int | None = None, after: str | None = None
    ) -> list[Conversation]:
        found = sorted(
            (
                conversation
                for conversation in self._memory.conversations.values()
                if user_id is None or conversation.user_id == user_id
            ),
            key=_age,
            reverse=True,
        )
        if after is not None:
            mark = self._memory.conversations.get(after)
            found = [c for c in found if mark is not None and _age(c) < _age(mark)]
        return found[:limit]

    def _receive(self, turn: Turn) -> None:
        stored = StoredTurn(turn, self._owner, self._clock() + self._lease)
        self._memory.turns[turn.turn_id] = stored
        self._memory.by_conversation[turn.conversation_id][turn.turn_id] = stored
        self._running.add(turn.turn_id)
        conversation = self._memory.conversations.pop(turn.conversation_id)
        self._memory.conversations[turn.conversation_id] = replace(
            conversation, message_count=conversation.message_count + 1
        )

    def _make_room(self) -> None:
        conversations = self._memory.conversations
        most = self._max_conversations
        if most is None or len(conversations) <= most:
            return
        turns = self._memory.by_conversation
        idle = (each for each in conversations if all(map(_is_final, turns[each].values())))
        for conversation_id in list(islice(idle, len(conversations) - most)):
            self._drop(conversation_id)

    def _drop(self, conversation_id: str) -> None:
        del self._memory.conversations[conversation_id]
        self._memory.summaries.pop(conversation_id, None)
        for turn_id in self._memory.by_conversation.pop(conversation_id):
            del self._memory.turns[turn_id]
            forget_turn(self._memory, turn_id)
        self._memory.changes.announce(conversation_id)

    def _held(self, turn_id: str) -> StoredTurn | None:
        """Return a turn that is live and ours; a lost or deleted turn takes nothing more."""
        stored = self._memory.turns.get(turn_id)
        if stored is None or stored.owner != self._owner or stored.expires_at is None:
            return None
        return stored

    def _is_blocked(self, turn: Turn) -> bool:
        now = self._clock()
        for other_id, other in self._memory.by_conversation[turn.conversation_id].items():
            if other_id == turn.turn_id:
                return False
            if other_id in self._running or other.blocks(now):
                return True
        return False

    def _is_idle(self, conversation_id: str, idle_for: timedelta) -> bool:
        conversation = self._memory.conversations.get(conversation_id)
        if conversation is None or conversation.last_message_at >= self._clock() - idle_for:
            return False
        received = self._memory.by_conversation[conversation_id].values()
        return all(stored.expires_at is None for stored in received)

    def _require(self, conversation_id: str) -> None:
        if conversation_id not in self._memory.conversations:
            raise NotFound("conversation", conversation_id)


def _position_behind(received: dict[str, StoredTurn], turn_id: str) -> int:
    """Return where the turns behind one begin; behind an unknown one there are none."""
    order = list(received)
    return order.index(turn_id) + 1 if turn_id in received else len(order)


def _is_final(stored: StoredTurn) -> bool:
    return stored.expires_at is None


def _age(conversation: Conversation) -> tuple[datetime, str]:
    return conversation.last_message_at, conversation.conversation_id
