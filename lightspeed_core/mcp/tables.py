"""The table of registered servers."""

from typing import Final

from sqlalchemy import Column, Integer, String, Table, Text

from lightspeed_core.db.metadata import METADATA, UtcDateTime

mcp_servers: Final = Table(
    "lcs_mcp_servers",
    METADATA,
    Column("name", String, primary_key=True),
    Column("url", Text, nullable=False),
    Column("provider_id", String, nullable=False),
    # Kinds by header, as JSON.
    Column("authorization_headers", Text, nullable=False),
    # A list of names, as JSON.
    Column("headers", Text, nullable=False),
    Column("timeout", Integer),
    Column("source", String, nullable=False),
    Column("registered_by", String, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
)
