"""The tables of files, of their bytes, and of the vector stores that they are in."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from lightspeed_core.db.metadata import METADATA, UtcDateTime

files: Final = Table(
    "lcs_files",
    METADATA,
    Column("file_id", String, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("filename", String, nullable=False),
    # All three are null until the last part is there.
    Column("size", Integer),
    Column("sha256", String),
    Column("created_at", UtcDateTime),
    Column("begun_at", UtcDateTime, nullable=False),
)

file_parts: Final = Table(
    "lcs_file_parts",
    METADATA,
    Column("file_id", String, ForeignKey(files.c.file_id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

# A file may be gone while it still is in a store.
attachments: Final = Table(
    "lcs_attachments",
    METADATA,
    Column("store_id", String, primary_key=True),
    Column("file_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("job_id", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # An object, as JSON.
    Column("attributes", Text, nullable=False),
    Column("max_chunk_tokens", Integer),
    Column("is_open", Boolean, nullable=False, index=True),
)
