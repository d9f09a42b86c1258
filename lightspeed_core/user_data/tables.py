"""The table of the feedback switch; it has one row at most."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, Table

from lightspeed_core.db.metadata import METADATA

feedback_status: Final = Table(
    "lcs_feedback_status",
    METADATA,
    Column("status_id", Integer, primary_key=True, autoincrement=False),
    Column("enabled", Boolean, nullable=False),
)
