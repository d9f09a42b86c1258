"""A PostgreSQL server: how it is reached, and what its errors mean. Knows no table."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import URL, Connection, DateTime, func, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_BUSY: Final = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "53300",  # too_many_connections
    "55P03",  # lock_not_available
    "57P03",  # cannot_connect_now
}
_REFUSED: Final = {
    "28000",  # invalid_authorization_specification
    "28P01",  # invalid_password
    "3D000",  # invalid_catalog_name
    "42501",  # insufficient_privilege
}
_CONNECT_SECONDS: Final = 10.0
# How much longer than for a lock the service waits for a statement, in seconds.
_STATEMENT_SECONDS: Final = 5.0
# Any number that nobody else uses: "lcs" and a one.
_MIGRATION_LOCK: Final = 0x6C637301


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """A database of a PostgreSQL server.

    `host` may be the directory of a Unix socket, `namespace` is the schema of the tables, and
    `busy_timeout` is how long, in seconds, a statement waits for the locks of others.
    """

    host: str = "localhost"
    port: int = 5432
    database: str
    user: str
    password: str
    namespace: str | None = None
    ssl_mode: str = "prefer"
    ca_cert_path: Path | None = None
    busy_timeout: float = 5.0

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return f"{self.host}:{self.port}/{self.database}"


def connect_postgres(settings: PostgresSettings, connections: int) -> AsyncEngine:
    """Build an engine; nothing is opened before its first use.

    It keeps at most so many connections, and closes each after its use when it may keep none.
    """
    pool: dict[str, Any] = {"pool_size": connections, "max_overflow": 0}
    return create_async_engine(
        URL.create(
            "postgresql+asyncpg",
            username=settings.user,
            password=settings.password,
            host=settings.host,
            port=settings.port,
            database=settings.database,
        ),
        connect_args={
            # The driver takes the name of a certificate in a URL alone.
            "dsn": f"postgresql://?{urlencode(_tls(settings))}",
            "timeout": _CONNECT_SECONDS,
            "command_timeout": settings.busy_timeout + _STATEMENT_SECONDS,
            "server_settings": _server_settings(settings),
        },
        **(pool if connections else {"poolclass": NullPool}),
    )


def _tls(settings: PostgresSettings) -> dict[str, str]:
    tls = {"sslmode": settings.ssl_mode}
    if settings.ca_cert_path is not None:
        tls["sslrootcert"] = str(settings.ca_cert_path)
    return tls


def _server_settings(settings: PostgresSettings) -> dict[str, str]:
    milliseconds = str(int(settings.busy_timeout * 1000))
    chosen = {
        "application_name": "lightspeed-stack",
        "lock_timeout": milliseconds,
        # Frees the locks of a host that vanished in the middle of a transaction.
        "idle_in_transaction_session_timeout": milliseconds,
    }
    if settings.namespace is not None:
        quoted = settings.namespace.replace('"', '""')
        # This one alone: tables of the same names in another schema are somebody else's.
        chosen["search_path"] = f'"{quoted}"'
    return chosen


def lock_for_migration(connection: Connection) -> None:
    """Let no other process migrate this database before the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def create_namespace(connection: Connection, namespace: str) -> None:
    """Create the schema unless it is there.

    Looks first: creating one that exists would still ask for the right to create.
    """
    found = text("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :namespace")
    if connection.scalar(found, {"namespace": namespace}) is None:
        connection.execute(CreateSchema(namespace))


def server_time(connection: Connection) -> datetime:
    """Return the time by the server's clock."""
    return connection.execute(
        select(func.clock_timestamp(type_=DateTime(timezone=True)))
    ).scalar_one()


def is_busy_postgres(error: BaseException) -> bool:
    """Say whether others were in the way, or the server could not be reached."""
    return isinstance(error, OSError) or is_dropped(error) or _sqlstate(error) in _BUSY


def is_dropped(error: BaseException) -> bool:
    """Say whether the connection broke, and with it all that was not committed."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_refused(error: BaseException) -> bool:
    """Say whether the server lets us not in, or the settings cannot work with any server."""
    if isinstance(error, SSLCertVerificationError):
        return True
    state = _sqlstate(error)
    return state in _REFUSED or (state is None and isinstance(error, InterfaceError))


def _sqlstate(error: BaseException) -> str | None:
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state if isinstance(state, str) else None
