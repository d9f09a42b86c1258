"""Locks that all workers of a database share. Knows names, not what they stand for."""

from sqlalchemy import Connection, func, select


def lock_until_commit(connection: Connection, name: str) -> None:
    """Return once nobody else holds the lock of that name; held until the transaction ends.

    SQLite needs none: from a transaction's first write on there is no other writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
