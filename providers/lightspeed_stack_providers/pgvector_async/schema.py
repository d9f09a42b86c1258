"""Tables of the database, and how they come to be. Knows nothing of search.

Each store has a table of its own for its chunks: its vectors have one length, its index serves it
alone, and it is removed or exchanged whole.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import asyncpg

from lightspeed_stack_providers.pgvector_async.config import Hnsw, PgvectorAsyncConfig
from lightspeed_stack_providers.pgvector_async.failures import DatabaseUnusable


class Connection(Protocol):
    """What is used of the driver's connection."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Run a statement and give its rows."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """Run a statement and give its first row, or None."""
        ...

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Run a statement and give the first value of its first row, or None."""
        ...

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement."""
        ...

    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        ...

    def transaction(self) -> Any:
        """Begin a transaction, or a savepoint within one."""
        ...


_VERSION: Final = 2
_OLDEST_PGVECTOR: Final = (0, 8)
# Any number that nobody else uses: "lcs" and a two.
_LOCK: Final = 0x6C637302
# pgvector's limit for an index over the type `vector`.
_LONGEST_INDEXED: Final = 2000

_TABLES: Final = (
    """CREATE TABLE {prefix}schema (version integer NOT NULL)""",
    """CREATE TABLE {prefix}stores (
        store_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        store_id text NOT NULL UNIQUE,
        name text NOT NULL,
        embedding_model text NOT NULL,
        embedding_dimension integer NOT NULL CHECK (embedding_dimension > 0),
        created_at bigint NOT NULL,
        attributes text NOT NULL DEFAULT '{{}}',
        version bigint NOT NULL DEFAULT 0,
        chunks bigint NOT NULL DEFAULT 0,
        vectors bigint NOT NULL DEFAULT 0,
        analyses text[] NOT NULL DEFAULT '{{}}'
    )""",
    """CREATE TABLE {prefix}documents (
        document_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        store_key bigint NOT NULL REFERENCES {prefix}stores ON DELETE CASCADE,
        document_id text NOT NULL,
        created_at bigint NOT NULL,
        content_hash text,
        title text,
        url text,
        source text,
        bytes bigint NOT NULL DEFAULT 0,
        chunks bigint NOT NULL DEFAULT 0,
        vectors bigint NOT NULL DEFAULT 0,
        source_text text,
        attributes text NOT NULL DEFAULT '{{}}',
        UNIQUE (store_key, document_id)
    )""",
)
# What the tables of the version before lack.
_FROM_VERSION_1: Final = (
    "ALTER TABLE {prefix}documents ADD COLUMN attributes text NOT NULL DEFAULT '{{}}'",
    "UPDATE {prefix}schema SET version = 2",
)
_SET_VERSION: Final = "INSERT INTO {prefix}schema VALUES ($1)"
_GET_VERSION: Final = "SELECT version FROM {prefix}schema"
_CHUNKS: Final = (
    """CREATE TABLE {table} (
        chunk_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        document_key bigint,
        chunk_id text NOT NULL UNIQUE,
        metadata jsonb NOT NULL,
        chunk_metadata jsonb NOT NULL,
        content text NOT NULL,
        words tsvector NOT NULL
    )""",
    "CREATE INDEX ON {table} (document_key)",
    "CREATE INDEX ON {table} USING gin (words)",
    "CREATE INDEX ON {table} USING gin (metadata jsonb_path_ops)",
)


def quoted(name: str) -> str:
    """Write a name so that any word may stand in it."""
    return '"' + name.replace('"', '""') + '"'


async def prepare(connection: Connection, config: PgvectorAsyncConfig) -> str:
    """Make extension, schema and tables where they are missing, one process at a time.

    Gives the search path on which all of it is found. Raises `DatabaseUnusable`.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    home = await _home(connection, config)
    extension = await _extension(connection, config)
    path = ", ".join(quoted(name) for name in dict.fromkeys((home, extension)))
    await connection.execute("SELECT set_config('search_path', $1, true)", path)
    prefix = config.table_prefix
    if await connection.fetchval("SELECT to_regclass($1)", f"{prefix}schema") is None:
        for statement in _TABLES:
            await connection.execute(statement.format(prefix=prefix))
        await connection.execute(_SET_VERSION.format(prefix=prefix), _VERSION)
    if await connection.fetchval(_GET_VERSION.format(prefix=prefix)) == 1:
        for statement in _FROM_VERSION_1:
            await connection.execute(statement.format(prefix=prefix))
    version = await connection.fetchval(_GET_VERSION.format(prefix=prefix))
    if version != _VERSION:
        raise DatabaseUnusable(
            config.address,
            f"its tables {config.table_prefix}* have the format {version}, this release reads "
            f"format {_VERSION}",
            "Use the release that made them, or another table_prefix and index the documents anew.",
        )
    return path


async def create_chunks(connection: Connection, table: str, *, dimension: int, hnsw: Hnsw) -> None:
    """Make the table for a store's chunks."""
    for statement in _CHUNKS:
        await connection.execute(statement.format(table=table))
    await add_vectors(connection, table, dimension=dimension, hnsw=hnsw)


async def add_vectors(connection: Connection, table: str, *, dimension: int, hnsw: Hnsw) -> None:
    """Give a table of chunks its vectors and their index; those too long for one have none."""
    await connection.execute(f"ALTER TABLE {table} ADD COLUMN embedding vector({dimension})")
    if dimension <= _LONGEST_INDEXED:
        await connection.execute(
            f"CREATE INDEX ON {table} USING hnsw (embedding vector_ip_ops)"
            f" WITH (m = {hnsw.m}, ef_construction = {hnsw.ef_construction})"
        )


async def _home(connection: Connection, config: PgvectorAsyncConfig) -> str:
    if config.namespace is None:
        home = await connection.fetchval("SELECT current_schema()")
        if home is None:
            raise DatabaseUnusable(
                config.address,
                "the user's search path names no schema that is there",
                "Name a schema in `namespace`.",
            )
        return str(home)
    # Looked for first: creating one that exists would still ask for the right to create.
    found = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1"
    if await connection.fetchval(found, config.namespace) is None:
        await connection.execute(f"CREATE SCHEMA {quoted(config.namespace)}")
    return config.namespace


async def _extension(connection: Connection, config: PgvectorAsyncConfig) -> str:
    found = (
        "SELECT extnamespace::regnamespace::text AS home, extversion FROM pg_extension"
        " WHERE extname = 'vector'"
    )
    row = await connection.fetchrow(found)
    if row is None:
        await _create_extension(connection, config)
        row = await connection.fetchrow(found)
    if row is None or _number(row["extversion"]) < _OLDEST_PGVECTOR:
        raise DatabaseUnusable(
            config.address,
            f"its extension vector is {row['extversion'] if row else 'missing'}",
            "Let an administrator bring pgvector to 0.8 or later (ALTER EXTENSION vector UPDATE).",
        )
    return str(row["home"]).strip('"')


async def _create_extension(connection: Connection, config: PgvectorAsyncConfig) -> None:
    offered = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
    if await connection.fetchval(offered) is None:
        raise DatabaseUnusable(
            config.address,
            "the server has no extension vector",
            "Install pgvector 0.8 or later on the server (https://github.com/pgvector/pgvector).",
        )
    try:
        async with connection.transaction():
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseUnusable(
            config.address,
            f"the extension vector is not in it, and {config.user} may not create it",
            f"Let an administrator run CREATE EXTENSION vector in the database {config.db}.",
        ) from error


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
