"""The tables of ingestion."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from lightspeed_core.db.metadata import METADATA, UtcDateTime

jobs: Final = Table(
    "lcs_ingestion_jobs",
    METADATA,
    Column("job_id", String, primary_key=True),
    Column("store_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("files_total", Integer, nullable=False),
    Column("files_done", Integer, nullable=False),
    Column("files_unchanged", Integer, nullable=False),
    Column("files_failed", Integer, nullable=False),
    Column("files_deleted", Integer, nullable=False),
    Column("chunks_total", Integer, nullable=False),
    Column("chunks_embedded", Integer, nullable=False),
    Column("error", Text),
    Column("is_cancelled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("lease_owner", String),
    Column("lease_expires_at", UtcDateTime),
    Index("ix_lcs_ingestion_jobs_store_id", "store_id"),
    Index("ix_lcs_ingestion_jobs_user_id", "user_id"),
)

job_files: Final = Table(
    "lcs_ingestion_files",
    METADATA,
    Column(
        "job_id",
        String,
        ForeignKey("lcs_ingestion_jobs.job_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("chunks", Integer, nullable=False),
)

indexed_files: Final = Table(
    "lcs_indexed_files",
    METADATA,
    Column("store_id", String, primary_key=True),
    Column("document_id", String, primary_key=True),
    Column("stamp", String, nullable=False),
    Column("file_hash", String, nullable=False),
    Column("form", Text, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("chunks", Integer, nullable=False),
)
