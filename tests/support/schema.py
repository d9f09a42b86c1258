"""How far a migrated database is from the tables that the packages describe."""

from importlib import import_module
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import lightspeed_core
from lightspeed_core.db.metadata import METADATA
from lightspeed_core.db.migrate import VERSION_TABLE


def differences(connection: Connection) -> list[object]:
    """Return what Alembic would change in the database; every package's tables count."""
    (root,) = lightspeed_core.__path__
    for file in sorted(Path(root).glob("*/tables.py")):
        import_module(f"lightspeed_core.{file.parent.name}.tables")
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return list(compare_metadata(context, METADATA))
