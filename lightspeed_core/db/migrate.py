"""Brings a schema up to date, once, however many processes start.

Alembic does the work, and is imported only when there is some: it costs start-up time.
"""

import asyncio
import importlib
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, String, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncEngine

from lightspeed_core.db.connect import DatabaseSettings, connect
from lightspeed_core.db.postgres import PostgresSettings, create_namespace, lock_for_migration
from lightspeed_core.errors import ConfigurationError

logger = logging.getLogger(__name__)

# The newest revision under `migrations/versions`; revisions are numbered in order.
HEAD: Final = "0012"
VERSION_TABLE: Final = "lcs_schema_version"
_LOCK_TIMEOUT: Final = 60.0


async def bring_up_to_date(engine: AsyncEngine, settings: DatabaseSettings) -> None:
    """Migrate to `HEAD` unless the schema is there already.

    Raises `ConfigurationError` for a schema newer than `HEAD`, and leaves it as it is.
    """
    async with engine.connect() as connection:
        version = await connection.run_sync(schema_version)
    if version == HEAD:
        return
    refuse_newer(version)
    pool = ThreadPoolExecutor(1, "migration")
    try:
        await asyncio.get_running_loop().run_in_executor(pool, _migrate_in_thread, settings)
    finally:
        pool.shutdown(wait=False)


def refuse_newer(version: str | None) -> None:
    """Raise `ConfigurationError` for a version that this service does not know."""
    if version is not None and version > HEAD:
        raise ConfigurationError(
            f"The database has schema version {version}, this service knows up to {HEAD}: "
            "start the newer service that wrote it, or restore a backup made before it; "
            "nothing was changed"
        )


def _migrate_in_thread(settings: DatabaseSettings) -> None:
    asyncio.run(_migrate(replace(settings, busy_timeout=_LOCK_TIMEOUT)))


async def _migrate(settings: DatabaseSettings) -> None:
    engine = connect(settings)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_lock, settings)
            await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


def _lock(connection: Connection, settings: DatabaseSettings) -> None:
    """Hold until the commit what lets a second process wait, and then find nothing to do."""
    if not isinstance(settings, PostgresSettings):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    lock_for_migration(connection)
    if settings.namespace is not None:
        create_namespace(connection, settings.namespace)


def _upgrade(connection: Connection) -> None:
    version = schema_version(connection)
    if version == HEAD:
        return
    refuse_newer(version)
    importlib.import_module("lightspeed_core.db.upgrade").upgrade_to_head(connection)
    logger.info("schema migrated: from=%s to=%s", version, HEAD)


def schema_version(connection: Connection) -> str | None:
    """Return the version of the schema; None where there is none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = column("version_num", String)
    return connection.scalar(select(version).select_from(table(VERSION_TABLE)))
