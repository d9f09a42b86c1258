"""The tables of files and their bytes."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table

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
