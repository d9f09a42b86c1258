import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from lightspeed_core.db import migrations
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.migrate import HEAD, VERSION_TABLE
from lightspeed_core.errors import ConfigurationError
from tests.support.schema import differences

OPEN_ONCE = """
import asyncio, sys
from pathlib import Path
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database

async def main():
    async with Database(SqliteSettings(path=Path(sys.argv[1]))):
        print("alembic" in sys.modules)

asyncio.run(main())
"""


async def open_in_process(path: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN_ONCE, str(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return output.decode().strip()


def dump(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def test_the_newest_revision_is_the_one_that_the_service_asks_for() -> None:
    scripts = ScriptDirectory(migrations.__path__[0])

    assert scripts.get_heads() == [HEAD]


async def test_the_migrated_schema_is_the_one_that_the_tables_describe(
    database: Database,
) -> None:
    assert await database.read(differences) == []


async def test_alembic_is_imported_only_when_there_is_something_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    assert await open_in_process(path) == "True"
    assert await open_in_process(path) == "False"


async def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    await asyncio.gather(*(open_in_process(path) for _ in range(3)))

    connection = sqlite3.connect(path)
    versions = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
    connection.close()
    assert versions == [(HEAD,)]


async def test_a_newer_schema_is_refused_with_advice_and_left_as_it_is(
    settings: SqliteSettings,
) -> None:
    async with Database(settings):
        pass
    connection = sqlite3.connect(settings.path)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = dump(settings.path)

    with pytest.raises(ConfigurationError, match=r"version 9999.*newer service.*nothing was chan"):
        await Database(settings).open()

    assert dump(settings.path) == before


async def test_tables_of_others_stay_untouched(settings: SqliteSettings) -> None:
    connection = sqlite3.connect(settings.path)
    connection.execute("CREATE TABLE user_conversation (id TEXT PRIMARY KEY)")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('theirs')")
    connection.execute("INSERT INTO user_conversation VALUES ('old')")
    connection.commit()
    connection.close()

    async with Database(settings):
        pass

    connection = sqlite3.connect(settings.path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("theirs",)]
    assert connection.execute("SELECT id FROM user_conversation").fetchall() == [("old",)]
    connection.close()


async def test_a_migration_that_cannot_finish_leaves_nothing_behind(
    settings: SqliteSettings,
) -> None:
    connection = sqlite3.connect(settings.path)
    connection.execute("CREATE TABLE lcs_journal (anything TEXT)")
    connection.commit()
    connection.close()
    before = dump(settings.path)

    with pytest.raises(Exception, match="Database query failed"):
        await Database(settings).open()

    assert dump(settings.path) == before
