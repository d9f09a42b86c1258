"""Prompts in versions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of prompts and their versions."""
    op.create_table(
        "lcs_prompts",
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("newest_version", sa.Integer(), nullable=False),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", name="pk_lcs_prompts"),
    )
    op.create_table(
        "lcs_prompt_versions",
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["prompt_id"],
            ["lcs_prompts.prompt_id"],
            name="fk_lcs_prompt_versions_prompt_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prompt_id", "version", name="pk_lcs_prompt_versions"),
    )
