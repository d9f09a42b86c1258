"""Jobs of ingestion, and what is known of indexed files."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COUNTS = (
    "files_total",
    "files_done",
    "files_unchanged",
    "files_failed",
    "files_deleted",
    "chunks_total",
    "chunks_embedded",
)


def upgrade() -> None:
    """Create the tables of ingestion."""
    op.create_table(
        "lcs_ingestion_jobs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("store_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_lcs_ingestion_jobs"),
    )
    op.create_index("ix_lcs_ingestion_jobs_store_id", "lcs_ingestion_jobs", ["store_id"])
    op.create_index("ix_lcs_ingestion_jobs_user_id", "lcs_ingestion_jobs", ["user_id"])
    op.create_table(
        "lcs_ingestion_files",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["lcs_ingestion_jobs.job_id"],
            name="fk_lcs_ingestion_files_job_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "name", name="pk_lcs_ingestion_files"),
    )
    op.create_table(
        "lcs_indexed_files",
        sa.Column("store_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("stamp", sa.String(), nullable=False),
        sa.Column("file_hash", sa.String(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", "document_id", name="pk_lcs_indexed_files"),
    )
