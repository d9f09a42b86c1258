import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.errors import ConfigurationError, StoreUnavailable
from tests.support.databases import eventually


async def test_closing_leaves_no_thread(settings: SqliteSettings) -> None:
    before = set(threading.enumerate())
    async with Database(settings) as database:
        await database.read(lambda connection: connection.execute(text("SELECT 1")).all())
        during = set(threading.enumerate()) - before

    async def all_ended() -> bool:
        return not set(threading.enumerate()) - before

    assert during
    assert await eventually(all_ended)


async def test_a_refused_database_leaves_no_thread(settings: SqliteSettings) -> None:
    settings.path.write_text("This is prose and not a database. " * 40)
    before = set(threading.enumerate())

    with pytest.raises(ConfigurationError, match="is not a database"):
        await Database(settings).open()

    async def all_ended() -> bool:
        return not set(threading.enumerate()) - before

    assert await eventually(all_ended)
    assert settings.path.read_text().startswith("This is prose")


async def test_a_shared_database_is_closed_by_its_last_user(settings: SqliteSettings) -> None:
    database = Database(settings)
    await database.open()
    await database.open()

    await database.close()
    answer = await database.writer.call(lambda connection: connection.scalar(text("SELECT 42")))
    await database.close()
    await database.close()

    assert answer == 42
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.writer.call(lambda connection: connection.scalar(text("SELECT 42")))


async def test_a_question_that_fails_is_a_store_that_is_unavailable(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        await database.read(lambda connection: connection.scalar(text("SELECT x FROM missing")))


async def test_a_missing_directory_stops_the_start(tmp_path: Path) -> None:
    database = Database(SqliteSettings(path=tmp_path / "none" / "store.db"))

    with pytest.raises(ConfigurationError, match="directory does not exist"):
        await database.open()
    await database.close()
