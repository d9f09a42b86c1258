"""How far the conversations of the original service are imported."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables of the import."""
    op.create_table(
        "lcs_takeover_listings",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("place", "table_name", name="pk_lcs_takeover_listings"),
    )
    op.create_table(
        "lcs_takeover_queue",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("spelling", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "conversation_id", "place", "user_id", "spelling", name="pk_lcs_takeover_queue"
        ),
    )
