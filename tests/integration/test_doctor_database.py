"""Real databases: of every age, foreign, locked, refused; all are left as they are."""

import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from lightspeed_core.cli.doctor.database import check_database
from lightspeed_core.cli.doctor.finding import Finding, Severity
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.migrate import HEAD
from lightspeed_core.db.postgres import PostgresSettings
from tests.support.postgres import Postgres
from tests.support.service import free_port

BOUND_SECONDS = 30


async def found(path: Path) -> list[Finding]:
    """Examine a file, and see that the directory is as it was."""
    before = contents(path.parent)
    findings = await check_database(SqliteSettings(path=path), None)
    assert contents(path.parent) == before
    return findings


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}


async def made(path: Path, version: str = HEAD) -> Path:
    async with SqlConversationStore(Database(SqliteSettings(path=path))):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE lcs_schema_version SET version_num = ?", (version,))
    return path


async def test_a_file_of_the_current_schema_is_fine(tmp_path: Path) -> None:
    (finding,) = await found(await made(tmp_path / "lcs.db"))
    assert finding.severity is Severity.OK
    assert "current schema" in finding.what


async def test_a_file_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    (finding,) = await found(tmp_path / "lcs.db")
    assert finding.severity is Severity.OK
    assert "does not exist yet" in finding.what


async def test_an_older_schema_is_not_migrated(tmp_path: Path) -> None:
    (finding,) = await found(await made(tmp_path / "lcs.db", "0000"))
    assert finding.severity is Severity.OK
    assert f"the start brings it to {HEAD}" in finding.what


async def test_a_newer_schema_is_fatal(tmp_path: Path) -> None:
    (finding,) = await found(await made(tmp_path / "lcs.db", "9999"))
    assert finding.severity is Severity.FATAL
    assert "9999" in finding.what


async def test_a_file_that_is_no_database_is_fatal(tmp_path: Path) -> None:
    file = tmp_path / "lcs.db"
    file.write_text("this is no database, however long it may be\n" * 100)
    (finding,) = await found(file)
    assert finding.severity is Severity.FATAL
    assert "not a database" in finding.what


async def test_a_directory_that_is_missing_is_fatal_unless_the_start_creates_it(
    tmp_path: Path,
) -> None:
    settings = SqliteSettings(path=tmp_path / "data" / "lcs.db")
    (missing,) = await check_database(settings, None)
    (later,) = await check_database(settings, tmp_path / "data")
    assert (missing.severity, later.severity) == (Severity.FATAL, Severity.OK)
    assert contents(tmp_path) == {}
    assert not settings.path.parent.exists()


async def test_a_file_that_another_process_has_open_is_fine(tmp_path: Path) -> None:
    path = await made(tmp_path / "lcs.db")
    with another_process(path, "SELECT * FROM lcs_schema_version"):
        (finding,) = await found(path)
    assert finding.severity is Severity.OK


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
async def test_a_file_that_another_process_keeps_locked_is_told(tmp_path: Path, mode: str) -> None:
    path = await made(tmp_path / "lcs.db")
    with another_process(path, f"PRAGMA journal_mode = {mode}", "BEGIN IMMEDIATE"):
        findings = await found(path)
    assert [finding.severity.value for finding in findings] == ["ok", "warning"]
    assert "locked for writing" in findings[1].what


async def test_a_file_that_nobody_may_read_is_fatal(tmp_path: Path) -> None:
    path = await made(tmp_path / "lcs.db")
    with another_process(path, "PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"):
        findings = await found(path)
    assert findings[-1].severity is not Severity.OK
    assert "locked" in findings[-1].what


@contextmanager
def another_process(path: Path, *statements: str) -> Generator[None]:
    """Let another process execute statements, and hold its connection open."""
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]:\n"
        "    connection.execute(statement).fetchall()\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path), *statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.communicate(timeout=BOUND_SECONDS)


async def test_conversations_in_memory_are_told() -> None:
    (finding,) = await check_database(None, None)
    assert finding.severity is Severity.OK


async def test_a_server_is_asked_and_nothing_made(postgres: Postgres) -> None:
    settings = postgres.settings()
    (fresh,) = await check_database(settings, None)
    assert (fresh.severity, fresh.where) == (Severity.OK, "database.postgres")
    assert "its tables are made at the start" in fresh.what
    assert await schemas(postgres, settings) == []

    async with Database(settings):
        pass
    (used,) = await check_database(settings, None)
    assert "current schema" in used.what


async def test_a_server_that_is_away_or_refuses_is_fatal(postgres: Postgres) -> None:
    away = replace(postgres.settings(), host="127.0.0.1", port=free_port())
    for settings in (away, replace(postgres.settings(), database="nowhere")):
        (finding,) = await check_database(settings, None)
        assert finding.severity is Severity.FATAL
        assert settings.address in finding.what


async def test_a_newer_schema_on_a_server_is_fatal(postgres: Postgres) -> None:
    settings = postgres.settings()
    async with Database(settings):
        pass
    await execute(
        postgres, f"UPDATE \"{settings.namespace}\".lcs_schema_version SET version_num = '9999'"
    )
    (finding,) = await check_database(settings, None)
    assert finding.severity is Severity.FATAL
    assert "9999" in finding.what


async def test_rights_that_the_user_lacks_are_named(postgres: Postgres) -> None:
    settings = postgres.settings()
    role = f"limited_{uuid4().hex}"
    async with Database(settings):
        pass
    await execute(
        postgres,
        f"CREATE ROLE {role} LOGIN",
        f'GRANT USAGE ON SCHEMA "{settings.namespace}" TO {role}',
        f'GRANT SELECT ON "{settings.namespace}".lcs_schema_version TO {role}',
    )
    limited = replace(settings, user=role)
    findings = await check_database(limited, None)
    lacking = [finding.what for finding in findings if finding.severity is Severity.FATAL]
    assert f"the user {role} lacks the right to read and write the table lcs_turns" in lacking

    _, unmade = await check_database(replace(limited, namespace=role), None)
    assert f"to create the schema {role}" in unmade.what


async def execute(postgres: Postgres, *statements: str) -> None:
    engine = postgres.engine()
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def schemas(postgres: Postgres, settings: PostgresSettings) -> list[str]:
    engine = postgres.engine()
    query = text("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = :namespace")
    async with engine.connect() as connection:
        found = list(await connection.scalars(query, {"namespace": settings.namespace}))
    await engine.dispose()
    return found
