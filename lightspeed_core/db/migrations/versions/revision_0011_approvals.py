"""Approvals of tool calls, and the turns that wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "lcs_approvals",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("server", sa.String()),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["lcs_turns.turn_id"],
            name="fk_lcs_approvals_turn_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("approval_id", name="pk_lcs_approvals"),
    )
    op.create_index("ix_lcs_approvals_turn_id", "lcs_approvals", ["turn_id"])
    op.create_index(
        "ix_lcs_approvals_open",
        "lcs_approvals",
        ["user_id", "expires_at"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "lcs_checkpoints",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["lcs_turns.turn_id"],
            name="fk_lcs_checkpoints_turn_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("turn_id", name="pk_lcs_checkpoints"),
    )
