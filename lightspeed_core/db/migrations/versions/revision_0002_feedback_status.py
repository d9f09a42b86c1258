"""The switch that says whether feedback is taken."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of the switch."""
    op.create_table(
        "lcs_feedback_status",
        sa.Column("status_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("status_id", name="pk_lcs_feedback_status"),
    )
