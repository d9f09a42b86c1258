"""Summaries of long conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of summaries."""
    op.create_table(
        "lcs_summaries",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("last_turn_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["lcs_conversations.conversation_id"],
            name="fk_lcs_summaries_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_lcs_summaries"),
    )
