"""The conversation store: turns, journal, leases. One truth for all workers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from lightspeed_core.conversations.approvals import ApprovalStore
from lightspeed_core.conversations.models import (
    Conversation,
    ExpiredTurn,
    JournalBatch,
    LeaseSigns,
    Summary,
)
from lightspeed_core.domain.turn import Turn


class ConversationStore(Protocol):
    """Keeps conversations. Raises `StoreUnavailable` when the database does not answer.

    Turns of one conversation run one after another in the order in which `begin` received
    them. A running or waiting turn is leased by its worker; one whose lease is not renewed in
    time blocks no other worker.
    """

    @property
    def is_shared(self) -> bool:
        """Say whether other workers look for the same turns, once these are committed."""
        ...

    @property
    def approvals(self) -> ApprovalStore:
        """The turns that wait for their users, and what these answered."""
        ...

    @property
    def is_complete(self) -> bool:
        """Say whether everything that an earlier service left is there."""
        return True

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def begin(self, turn: Turn) -> None:
        """Receive a turn of an existing conversation and lease it to this worker.

        Returns when its place in the order is committed.
        """
        ...

    def begin_new(self, turn: Turn) -> None:
        """Receive the first turn of a new conversation, which is created with it.

        Never waits: the turn may run at once, and a failure to write shows in `finish`.
        """
        ...

    async def opened(self, turn: Turn) -> None:
        """Return once what `begin_new` received is committed, or could not be written."""
        ...

    async def wait_for_predecessors(self, turn: Turn) -> None:
        """Return once no earlier turn of the conversation is waiting or running.

        Waits without bound; the caller bounds it.
        """
        ...

    def append_journal(self, batch: JournalBatch) -> None:
        """Queue a batch for writing; never waits and never raises."""
        ...

    async def finish(self, turn: Turn, last_batch: JournalBatch | None) -> None:
        """Store the final state of a turn with its last batch, and free the conversation.

        Returns when it is committed. Finishing a turn that is already final changes nothing.
        """
        ...

    async def renew_leases(self, turn_ids: Sequence[str]) -> LeaseSigns:
        """Prolong the leases of this worker's live turns and learn what others wish of them."""
        ...

    async def claim_expired(self) -> list[ExpiredTurn]:
        """Take over the turns whose lease ran out, so that nobody else settles them too."""
        ...

    async def request_interrupt(self, turn_id: str) -> None:
        """Note that the turn should stop; its worker sees it at the next renewal."""
        ...

    async def find_turn(self, turn_id: str) -> Turn | None:
        """Return a turn as it is stored, or None."""
        ...

    async def journal(self, turn_id: str, *, after: int = -1) -> list[JournalBatch]:
        """Return the batches of a turn with an index above `after`, in order."""
        ...

    async def purge_journal(self, older_than: timedelta) -> None:
        """Drop the journals of turns that ended longer ago than that."""
        ...

    async def find(self, conversation_id: str) -> Conversation | None:
        """Return a conversation, or None."""
        ...

    async def history(self, conversation_id: str, *, limit: int | None = None) -> list[Turn]:
        """Return the final turns of a conversation in order, the newest `limit` of them."""
        ...

    async def list_turns(
        self, conversation_id: str, *, limit: int | None = None, after: str | None = None
    ) -> Sequence[Turn]:
        """Return a conversation's turns that are final or wait for an approval, in order.

        They begin behind turn `after`.
        """
        ...

    async def find_summary(self, conversation_id: str) -> Summary | None:
        """Return the summary of a conversation's older turns, or None."""
        ...

    async def save_summary(self, summary: Summary, *, replaced: Summary | None) -> bool:
        """Store a summary in the place of the one that it extends, None for the first.

        False when another stands there, or the conversation is gone; nothing is then stored.
        """
        ...

    async def live_turns(self, conversation_id: str) -> Sequence[str]:
        """Return the ids of the turns that a worker holds, waiting or running, in order.

        One that waits for an approval is held by none.
        """
        ...

    async def list(
        self, user_id: str | None, *, limit: int | None = None, after: str | None = None
    ) -> list[Conversation]:
        """Return conversations, newest first: one user's, or everybody's for None."""
        ...

    async def rename(
        self, conversation_id: str, topic_summary: str, *, only_unnamed: bool = False
    ) -> bool:
        """Set the topic; false when there is no such conversation.

        With `only_unnamed` a conversation that has a topic counts as none.
        """
        ...

    async def delete(self, conversation_id: str, *, idle_for: timedelta | None = None) -> bool:
        """Delete a conversation with its turns and journals; false when there is none.

        With `idle_for` one whose last message is not that old, or that has a live turn, counts
        as none. Of several workers that delete it, one is told that it did.
        """
        ...

    async def idle(
        self, idle_for: timedelta, *, limit: int, after: str | None = None
    ) -> Sequence[str]:
        """Return conversations that `delete` would delete as idle, in order of their ids.

        At most `limit` of them, beginning behind the id `after`.
        """
        ...

    async def users_of(self, conversation_id: str) -> Sequence[str]:
        """Return its owner and whoever else asked in it, in any order; nobody when unknown."""
        ...
