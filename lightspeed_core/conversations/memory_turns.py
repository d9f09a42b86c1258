"""What the conversation store in memory holds, shared by all its workers."""

from dataclasses import dataclass, field
from datetime import datetime

from lightspeed_core.conversations.changes import Changes
from lightspeed_core.conversations.models import Conversation, JournalBatch, Summary
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.turn import Turn, TurnState


@dataclass(slots=True)
class StoredTurn:
    """A turn is live as long as it has a lease: `expires_at` is None once it is final."""

    turn: Turn
    owner: str
    expires_at: datetime | None
    is_interrupt_requested: bool = False
    ended_at: datetime | None = None
    journal: dict[int, JournalBatch] = field(default_factory=dict[int, JournalBatch])

    def blocks(self, now: datetime) -> bool:
        """Say whether later turns have to wait for it."""
        return self.expires_at is not None and self.expires_at > now

    def is_expired(self, now: datetime) -> bool:
        """Say whether its worker let it down; one that waits for an approval has none."""
        return not self.is_paused and self.expires_at is not None and self.expires_at <= now

    @property
    def is_paused(self) -> bool:
        """Say whether it waits for an approval."""
        return self.turn.state is TurnState.AWAITING_APPROVAL


@dataclass(slots=True)
class Memory:
    """Turns by id in order of receipt; conversations by id, those where nothing happens first."""

    conversations: dict[str, Conversation] = field(default_factory=dict[str, Conversation])
    turns: dict[str, StoredTurn] = field(default_factory=dict[str, StoredTurn])
    by_conversation: dict[str, dict[str, StoredTurn]] = field(
        default_factory=dict[str, dict[str, StoredTurn]]
    )
    summaries: dict[str, Summary] = field(default_factory=dict[str, Summary])
    approvals: dict[str, Approval] = field(default_factory=dict[str, Approval])
    checkpoints: dict[str, str] = field(default_factory=dict[str, str])
    changes: Changes = field(default_factory=Changes)


def batches_of(stored: StoredTurn, *, after: int) -> list[JournalBatch]:
    """Return the batches of a turn above an index, in order."""
    return [stored.journal[index] for index in sorted(stored.journal) if index > after]
