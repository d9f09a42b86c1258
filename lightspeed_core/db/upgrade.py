"""Runs Alembic. A module of its own so that nobody pays for the import who need not migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade_to_head(connection: Connection) -> None:
    """Run all outstanding migrations in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
