"""Tables of the file, and how a connection to it is opened. Knows nothing of search.

A row of `chunks` never changes its text: another text is another row with another key. Keys are
never used twice, so they are the change log of what came: whoever knows all rows up to a key has
only to read on. `removals` is the log of what went. Large columns stand last, where a scan of the
others does not read them.
"""

import sqlite3
import time
from pathlib import Path
from typing import Final

from lightspeed_stack_providers.faiss_hybrid.failures import StoreFileUnusable

_APPLICATION_ID: Final = 0x4C436668
_SCHEMA_VERSION: Final = 2
_BUSY_SECONDS: Final = 5.0
# Ids of documents and chunks are strewn: insertions touch pages all over their indexes, of which
# SQLite's own two megabytes hold few. It is what a connection may take at most.
_CACHE_KIB: Final = 16_000

_TABLES: Final = """
CREATE TABLE stores (
    store_key INTEGER PRIMARY KEY AUTOINCREMENT,
    store_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    embedding_model TEXT NOT NULL,
    embedding_dimension INTEGER NOT NULL CHECK (embedding_dimension > 0),
    created_at INTEGER NOT NULL,
    attributes TEXT NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    vectors INTEGER NOT NULL DEFAULT 0,
    log_horizon INTEGER NOT NULL DEFAULT 0,
    is_removed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE documents (
    document_key INTEGER PRIMARY KEY AUTOINCREMENT,
    store_key INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
    document_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    content_hash TEXT,
    title TEXT,
    url TEXT,
    source TEXT,
    bytes INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    vectors INTEGER NOT NULL DEFAULT 0,
    source_text TEXT,
    attributes TEXT NOT NULL DEFAULT '{}',
    UNIQUE (store_key, document_id)
);
CREATE TABLE chunks (
    chunk_key INTEGER PRIMARY KEY AUTOINCREMENT,
    store_key INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
    document_key INTEGER REFERENCES documents ON DELETE CASCADE,
    chunk_id TEXT NOT NULL,
    metadata TEXT NOT NULL,
    chunk_metadata TEXT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (store_key, chunk_id)
);
CREATE INDEX chunks_by_store ON chunks (store_key);
CREATE INDEX chunks_by_document ON chunks (document_key);
CREATE TABLE vectors (
    vector_key INTEGER PRIMARY KEY AUTOINCREMENT,
    store_key INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
    chunk_key INTEGER NOT NULL UNIQUE REFERENCES chunks ON DELETE CASCADE,
    embedding BLOB NOT NULL CHECK (typeof(embedding) = 'blob')
);
CREATE INDEX vectors_by_store ON vectors (store_key);
CREATE TABLE removals (
    removal_key INTEGER PRIMARY KEY AUTOINCREMENT,
    store_key INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
    chunk_key INTEGER NOT NULL
);
CREATE INDEX removals_by_store ON removals (store_key);
"""
# What a file of the format before lacks.
_FROM_FORMAT_1: Final = (
    "ALTER TABLE stores ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE documents ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}'",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, make or renew its tables, and refuse a file that is not ours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        _claim(connection, path)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    # One snapshot for all that is looked at: another process may be making the file right now.
    connection.execute("BEGIN")
    found = _format_of(connection, path)
    connection.execute("COMMIT")
    if found == _SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    found = _format_of(connection, path)
    if found != _SCHEMA_VERSION:
        for statement in _FROM_FORMAT_1 if found else _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _format_of(connection: sqlite3.Connection, path: Path) -> int:
    """Tell the format of a file that is ours; 0 means that it is empty."""
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id == _APPLICATION_ID:
        if not 1 <= version <= _SCHEMA_VERSION:
            raise StoreFileUnusable(
                path,
                f"its format is {version}, this release reads up to format {_SCHEMA_VERSION}",
                "Use the release that wrote it, or name a new file and index the documents again.",
            )
        return version
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id or version or tables:
        raise StoreFileUnusable(
            path,
            "it is the database of another application",
            "Let db_path name a file of its own.",
        )
    return 0


def _use_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for its busy timeout when another process switches at the same moment.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
