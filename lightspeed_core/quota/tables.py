"""The tables of the quota store."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from lightspeed_core.db.metadata import METADATA, UtcDateTime

quotas: Final = Table(
    "lcs_quotas",
    METADATA,
    Column("limiter", String, primary_key=True),
    Column("subject_id", String, primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("replenished_at", UtcDateTime, nullable=False),
    Index("ix_lcs_quotas_replenished_at", "limiter", "replenished_at"),
)

# A row is a call that runs, so there are never many.
reservations: Final = Table(
    "lcs_quota_reservations",
    METADATA,
    Column("reservation_id", String, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    # Limiters and subjects, as JSON.
    Column("limits", Text, nullable=False),
    Column("reserved_at", UtcDateTime, nullable=False),
)

token_usage: Final = Table(
    "lcs_token_usage",
    METADATA,
    Column("user_id", String, primary_key=True),
    Column("provider", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
