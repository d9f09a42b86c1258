"""The tables of the prompt stores."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from lightspeed_core.db.metadata import METADATA, UtcDateTime

prompts: Final = Table(
    "lcs_prompts",
    METADATA,
    Column("prompt_id", String, primary_key=True),
    Column("newest_version", Integer, nullable=False),
    Column("default_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

prompt_versions: Final = Table(
    "lcs_prompt_versions",
    METADATA,
    Column(
        "prompt_id",
        String,
        ForeignKey(prompts.c.prompt_id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    # A list of names, as JSON.
    Column("variables", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

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
