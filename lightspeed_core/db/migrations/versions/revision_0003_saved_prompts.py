"""Prompts that users save."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of saved prompts."""
    op.create_table(
        "lcs_saved_prompts",
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", name="pk_lcs_saved_prompts"),
        sa.UniqueConstraint("user_id", "name", name="uq_lcs_saved_prompts_user_id"),
    )
    op.create_table(
        "lcs_saved_prompt_owners",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_lcs_saved_prompt_owners"),
    )
