"""The tables of the prompt stores."""

from typing import Final

from sqlalchemy import Column, String, Table, Text, UniqueConstraint

from lightspeed_core.db.metadata import METADATA, UtcDateTime

saved_prompts: Final = Table(
    "lcs_saved_prompts",
    METADATA,
    Column("prompt_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "name"),
)

# A row is locked by whoever adds a prompt of the user, so that nobody counts beside them.
saved_prompt_owners: Final = Table(
    "lcs_saved_prompt_owners",
    METADATA,
    Column("user_id", String, primary_key=True),
)
