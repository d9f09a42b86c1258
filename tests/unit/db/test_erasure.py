"""What a SQLite file holds of deleted rows, found by searching its bytes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightspeed_core.db.connect import SqliteSettings, connect
from lightspeed_core.db.erasure import Erasure
from tests.support.databases import eventually

SECRET = "a secret that nobody may find again "
MEBIBYTE = 1024 * 1024


@pytest.fixture
def file(settings: SqliteSettings) -> Path:
    return settings.path


@pytest.fixture
async def erasure(settings: SqliteSettings) -> AsyncIterator[Erasure]:
    """An erasure without haste, over a file of which a row was deleted."""
    engine = connect(settings)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE notes (note TEXT)")
        await connection.exec_driver_sql("INSERT INTO notes VALUES (?)", (SECRET * 500,))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM notes")
    yield Erasure(engine, delay=0.01, rewritten_below=MEBIBYTE)
    await engine.dispose()


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def holds_secret(file: Path) -> bool:
    return SECRET.encode() in file.read_bytes() + log_of(file).read_bytes()


async def is_erased(file: Path) -> bool:
    return not holds_secret(file)


@pytest.mark.parametrize("rewritten_below", [0, MEBIBYTE], ids=["large", "small"])
async def test_a_deleted_row_is_found_neither_in_the_file_nor_in_its_log(
    settings: SqliteSettings, erasure: Erasure, file: Path, rewritten_below: int
) -> None:
    assert holds_secret(file)
    engine = connect(settings)
    erasure = Erasure(engine, delay=0.01, rewritten_below=rewritten_below)

    async with asyncio.TaskGroup() as group:
        group.create_task(erasure.run())
        erasure.wish()
        await eventually(lambda: is_erased(file))
        erasure.stop()
    await engine.dispose()


@pytest.mark.parametrize("holds", ["BEGIN IMMEDIATE", "BEGIN"], ids=["writer", "reader"])
async def test_who_is_in_the_way_is_waited_for(erasure: Erasure, file: Path, holds: str) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute(holds)
    other.execute("SELECT * FROM notes").fetchall()
    async with asyncio.TaskGroup() as group:
        group.create_task(erasure.run())
        erasure.wish()
        # Longer than the first tries take.
        with pytest.raises(TimeoutError):
            await eventually(lambda: is_erased(file), within=0.5)
        other.execute("COMMIT")
        await eventually(lambda: is_erased(file))
        erasure.stop()
    other.close()


async def test_what_was_wished_for_before_the_stop_is_done(erasure: Erasure, file: Path) -> None:
    erasure.wish()
    erasure.stop()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(erasure.run())

    assert not holds_secret(file)


async def test_without_a_wish_the_stop_leaves_the_file_alone(erasure: Erasure, file: Path) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(erasure.run())
        await asyncio.sleep(0)
        erasure.stop()

    assert holds_secret(file)
