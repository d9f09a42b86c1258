"""Looks at a PostgreSQL database without changing it: the schema's version, the user's rights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from lightspeed_core.db.connect import connect, for_reading
from lightspeed_core.db.database import explain_failure
from lightspeed_core.db.migrate import HEAD, schema_version
from lightspeed_core.db.postgres import PostgresSettings

_SCHEMA: Final = text(
    "SELECT has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE') "
    "FROM pg_catalog.pg_namespace WHERE nspname = coalesce(:namespace, current_schema())"
)
_MAY_CREATE_SCHEMAS: Final = text("SELECT has_database_privilege(current_database(), 'CREATE')")
_CLOSED_TABLES: Final = text(
    "SELECT tables.relname FROM pg_catalog.pg_class tables "
    "JOIN pg_catalog.pg_namespace schemas ON schemas.oid = tables.relnamespace "
    "WHERE schemas.nspname = coalesce(:namespace, current_schema()) "
    "AND tables.relkind = 'r' AND tables.relname LIKE 'lcs\\_%' "
    "AND NOT (has_table_privilege(tables.oid, 'SELECT') "
    "AND has_table_privilege(tables.oid, 'INSERT') "
    "AND has_table_privilege(tables.oid, 'UPDATE') "
    "AND has_table_privilege(tables.oid, 'DELETE')) ORDER BY 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCondition:
    """What a start would meet: `version` is None before the first, `lacking` names rights."""

    version: str | None
    lacking: tuple[str, ...]


async def examine_postgres(settings: PostgresSettings) -> PostgresCondition:
    """Ask the server. Raises `ConfigurationError` or `StoreUnavailable`, as a start would."""
    engine = connect(settings)
    try:
        async with for_reading(engine).connect() as connection:
            return await connection.run_sync(_examine, settings.namespace)
    except (SQLAlchemyError, OSError) as error:
        raise explain_failure(error, settings) from error
    finally:
        await engine.dispose()


def _examine(connection: Connection, namespace: str | None) -> PostgresCondition:
    version = schema_version(connection)
    return PostgresCondition(
        version=version, lacking=tuple(_lacking(connection, namespace, version))
    )


def _lacking(connection: Connection, namespace: str | None, version: str | None) -> Iterator[str]:
    named = {"namespace": namespace}
    schema = connection.execute(_SCHEMA, named).one_or_none()
    if schema is None:
        if not connection.scalar(_MAY_CREATE_SCHEMAS):
            yield f"to create the schema {namespace}"
        return
    may_use, may_create = schema
    if not may_use:
        yield f"to use the schema {namespace}"
    if not may_create and version != HEAD:
        yield f"to create tables in the schema {namespace}"
    for (table,) in connection.execute(_CLOSED_TABLES, named):
        yield f"to read and write the table {table}"
