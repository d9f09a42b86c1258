"""What the conversation store keeps, in the words of the domain."""

from dataclasses import dataclass
from datetime import datetime

from lightspeed_core.domain.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with what lists show of it."""

    conversation_id: str
    user_id: str
    created_at: datetime
    last_message_at: datetime
    message_count: int
    topic_summary: str | None = None
    last_used_provider: str | None = None
    last_used_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What stands for the older turns of a conversation: all up to the turn `last_turn_id`."""

    conversation_id: str
    last_turn_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalBatch:
    """Some events of a turn, encoded by the assistant; batches are numbered from 0."""

    turn_id: str
    index: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSigns:
    """What a worker learns when it renews its leases.

    `lost` are turns that it no longer owns, `interrupted` those that somebody wishes to stop.
    """

    lost: frozenset[str]
    interrupted: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredTurn:
    """A turn whose worker died: as it was begun, with the journal that the worker left."""

    turn: Turn
    journal: tuple[JournalBatch, ...]
