"""The tables of the conversation store.

A turn is live as long as it has a lease: `lease_expires_at` is null once it is final.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lightspeed_core.db.metadata import METADATA, UtcDateTime

conversations: Final = Table(
    "lcs_conversations",
    METADATA,
    Column("conversation_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_message_at", UtcDateTime, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("topic_summary", Text),
    Column("last_used_provider", String),
    Column("last_used_model", String),
    Index("ix_lcs_conversations_user_id", "user_id", "last_message_at", "conversation_id"),
)

turns: Final = Table(
    "lcs_turns",
    METADATA,
    Column("turn_id", String, primary_key=True),
    Column(
        "conversation_id",
        String,
        ForeignKey(conversations.c.conversation_id, ondelete="CASCADE"),
        nullable=False,
    ),
    Column("user_id", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("completed_at", UtcDateTime),
    # When the store learned of the end, by the clock that leases go by.
    Column("ended_at", UtcDateTime),
    Column("lease_owner", String, nullable=False),
    Column("lease_expires_at", UtcDateTime),
    Column("interrupt_requested", Boolean, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("conversation_id", "position"),
)

is_live: Final = turns.c.lease_expires_at.is_not(None)
is_paused: Final = turns.c.state == "awaiting_approval"

# Only live turns are in these, so what they cost does not grow with the history.
Index(
    "ix_lcs_turns_live",
    turns.c.conversation_id,
    turns.c.lease_expires_at,
    sqlite_where=is_live,
    postgresql_where=is_live,
)
Index(
    "ix_lcs_turns_lease",
    turns.c.lease_expires_at,
    sqlite_where=is_live,
    postgresql_where=is_live,
)

journal: Final = Table(
    "lcs_journal",
    METADATA,
    Column("turn_id", String, ForeignKey(turns.c.turn_id, ondelete="CASCADE"), primary_key=True),
    Column("batch_index", Integer, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)

# `text` stands for all turns up to `last_turn_id`.
summaries: Final = Table(
    "lcs_summaries",
    METADATA,
    Column(
        "conversation_id",
        String,
        ForeignKey(conversations.c.conversation_id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("last_turn_id", String, nullable=False),
    Column("text", Text, nullable=False),
)

# `call` is JSON: the id and the arguments of the call, which the model wrote.
approvals: Final = Table(
    "lcs_approvals",
    METADATA,
    Column("approval_id", String, primary_key=True),
    Column(
        "turn_id",
        String,
        ForeignKey(turns.c.turn_id, ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("conversation_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("server", String),
    Column("digest", String, nullable=False),
    Column("call", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("reason", Text),
)

is_open: Final = approvals.c.state == "open"

# Open ones are few, however many answers are kept.
Index(
    "ix_lcs_approvals_open",
    approvals.c.user_id,
    approvals.c.expires_at,
    sqlite_where=is_open,
    postgresql_where=is_open,
)

# Where a waiting turn goes on, as the assistant has encoded it; gone once it does.
checkpoints: Final = Table(
    "lcs_checkpoints",
    METADATA,
    Column("turn_id", String, ForeignKey(turns.c.turn_id, ondelete="CASCADE"), primary_key=True),
    Column("document", Text, nullable=False),
)

# How far each table of the original has been listed: `position` is its last key as JSON.
takeover_listings: Final = Table(
    "lcs_takeover_listings",
    METADATA,
    Column("place", String, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("position", Text, nullable=False),
    Column("finished_at", UtcDateTime),
)

# The conversations that were listed and are not imported yet, by whom they were cached.
takeover_queue: Final = Table(
    "lcs_takeover_queue",
    METADATA,
    Column("conversation_id", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("spelling", String, primary_key=True),
)
