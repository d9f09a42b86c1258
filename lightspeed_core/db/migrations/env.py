"""Alembic's entry: migrates on the connection that `lightspeed_core.db.migrate` holds."""

from alembic import context
from sqlalchemy import Connection

from lightspeed_core.db.migrate import VERSION_TABLE


def run(connection: Connection) -> None:
    """Run them inside the transaction that the connection has begun."""
    context.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
        render_as_batch=True,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
