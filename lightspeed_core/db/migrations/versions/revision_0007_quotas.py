"""Quotas, what running calls reserved of them, and the tokens that users have used."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the quota store."""
    op.create_table(
        "lcs_quotas",
        sa.Column("limiter", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("replenished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("limiter", "subject_id", name="pk_lcs_quotas"),
    )
    op.create_index("ix_lcs_quotas_replenished_at", "lcs_quotas", ["limiter", "replenished_at"])
    op.create_table(
        "lcs_quota_reservations",
        sa.Column("reservation_id", sa.String(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reservation_id", name="pk_lcs_quota_reservations"),
    )
    op.create_table(
        "lcs_token_usage",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "provider", "model", name="pk_lcs_token_usage"),
    )
