import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from lightspeed_core.db.connect import SqliteSettings, connect, is_busy, prepare_file
from lightspeed_core.db.database import Database
from lightspeed_core.errors import ConfigurationError


def test_a_missing_directory_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "store.db"

    with pytest.raises(ConfigurationError) as caught:
        prepare_file(SqliteSettings(path=path))

    assert str(caught.value) == f"SQLite database directory does not exist: {path}"
    assert not path.parent.exists()


def test_a_path_that_is_no_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot be written: {tmp_path}"):
        prepare_file(SqliteSettings(path=tmp_path))


def test_a_new_file_is_readable_by_its_owner_alone(settings: SqliteSettings) -> None:
    prepare_file(settings)

    assert settings.path.stat().st_mode & 0o777 == 0o600


def test_the_rights_of_a_file_that_exists_stay_as_they_are(settings: SqliteSettings) -> None:
    settings.path.touch(mode=0o640)
    settings.path.chmod(0o640)

    prepare_file(settings)

    assert settings.path.stat().st_mode & 0o777 == 0o640


async def test_the_files_beside_an_open_database_are_readable_by_their_owner_alone(
    settings: SqliteSettings, database: Database
) -> None:
    await database.writer.call(lambda connection: connection.execute(text("SELECT 1")).all())

    modes = {path.name: path.stat().st_mode & 0o777 for path in settings.path.parent.iterdir()}

    assert "store.db-wal" in modes
    assert set(modes.values()) == {0o600}


async def test_connections_check_foreign_keys_and_write_ahead(settings: SqliteSettings) -> None:
    engine = connect(settings)
    async with engine.connect() as connection:
        pragmas = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    await engine.dispose()

    normal = 1
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": normal,
        "busy_timeout": 5000,
    }


def test_only_a_lock_counts_as_busy(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    holder, other = (sqlite3.connect(path, timeout=0) for _ in range(2))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as unknown:
        other.execute("SELECT * FROM missing")
    holder.close()
    other.close()

    assert is_busy(locked.value)
    assert not is_busy(unknown.value)
    assert not is_busy(ValueError("busy"))
