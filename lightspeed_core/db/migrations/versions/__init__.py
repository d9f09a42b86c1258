"""Alembic migrations of the schema, run by `lightspeed_core.db.migrate`."""
