"""Conversations, their turns, the journal of running turns."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables of the conversation store."""
    _create_conversations()
    _create_turns()
    _create_journal()


def _create_conversations() -> None:
    op.create_table(
        "lcs_conversations",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("topic_summary", sa.Text(), nullable=True),
        sa.Column("last_used_provider", sa.String(), nullable=True),
        sa.Column("last_used_model", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_lcs_conversations"),
    )
    op.create_index(
        "ix_lcs_conversations_user_id",
        "lcs_conversations",
        ["user_id", "last_message_at", "conversation_id"],
    )


def _create_turns() -> None:
    op.create_table(
        "lcs_turns",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("interrupt_requested", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["lcs_conversations.conversation_id"],
            name="fk_lcs_turns_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("turn_id", name="pk_lcs_turns"),
        sa.UniqueConstraint("conversation_id", "position", name="uq_lcs_turns_conversation_id"),
    )
    is_live = sa.text("lease_expires_at IS NOT NULL")
    for name, columns in (
        ("ix_lcs_turns_live", ["conversation_id", "lease_expires_at"]),
        ("ix_lcs_turns_lease", ["lease_expires_at"]),
    ):
        op.create_index(name, "lcs_turns", columns, sqlite_where=is_live, postgresql_where=is_live)


def _create_journal() -> None:
    op.create_table(
        "lcs_journal",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("batch_index", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["lcs_turns.turn_id"],
            name="fk_lcs_journal_turn_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("turn_id", "batch_index", name="pk_lcs_journal"),
    )
