import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from lightspeed_core.db.connect import SqliteSettings, connect
from lightspeed_core.db.writer import MAX_GROUP, GroupWriter, Row, Statement
from lightspeed_core.errors import StoreUnavailable

SHELF = Table("shelf", MetaData(), Column("name", String, primary_key=True), Column("n", Integer))
PUT = Statement(0, insert(SHELF))
RAISE_ALL = Statement(1, update(SHELF).values(n=SHELF.c.n + 1))


def put(name: str, n: int = 0) -> list[Row]:
    return [(PUT, {"name": name, "n": n})]


@pytest.fixture
async def engine(settings: SqliteSettings) -> AsyncIterator[AsyncEngine]:
    impatient = SqliteSettings(path=settings.path, busy_timeout=0.02)
    engine = connect(impatient)
    async with engine.begin() as connection:
        await connection.run_sync(SHELF.metadata.create_all)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def running(writer: GroupWriter) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(writer.run())
        yield
        writer.stop()


async def names(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list(await connection.scalars(select(SHELF.c.name).order_by(SHELF.c.name)))


async def test_a_write_is_committed_when_it_returns(
    engine: AsyncEngine, settings: SqliteSettings
) -> None:
    writer = GroupWriter(engine)
    async with running(writer):
        await writer.write(put("a"))
        other = sqlite3.connect(settings.path)
        found = other.execute("SELECT name FROM shelf").fetchall()
        other.close()

    assert found == [("a",)]


async def test_queued_writes_are_written_before_the_writer_ends(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)
    settled: list[object] = []
    expected = [f"{number:04}" for number in range(MAX_GROUP * 2 + 10)]
    async with running(writer):
        for name in expected:
            writer.submit(put(name), settled.append)

    assert await names(engine) == expected
    assert settled == [None] * len(expected)


async def test_statements_of_a_group_run_by_rank(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)
    async with running(writer):
        writer.submit([(RAISE_ALL, {})])
        await writer.write(put("a", 1))
        async with engine.connect() as connection:
            n = await connection.scalar(select(SHELF.c.n))

    assert n == 2


async def test_a_bad_write_spoils_no_other_of_its_group(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)
    settled: list[StoreUnavailable | None] = []
    writer.submit(put("a"), settled.append)
    writer.submit(put("a"), settled.append)
    async with running(writer):
        results = await asyncio.gather(
            writer.write(put("b")),
            writer.write(put("a")),
            writer.call(lambda connection: connection.scalar(select(SHELF.c.name).limit(1))),
            return_exceptions=True,
        )
        await writer.write(put("c"))

    assert await names(engine) == ["a", "b", "c"]
    assert [type(failure) for failure in settled] == [type(None), StoreUnavailable]
    assert results[0] is None
    assert isinstance(results[1], StoreUnavailable)
    assert results[2] == "a"
    assert writer.failed_writes == 2


async def test_work_that_raises_is_undone_and_reported(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)

    def put_and_fail(connection: Connection) -> None:
        connection.execute(insert(SHELF), {"name": "a", "n": 0})
        raise ValueError("no")

    async with running(writer):
        with pytest.raises(StoreUnavailable) as caught:
            await writer.call(put_and_fail)
        await writer.write(put("b"))

    assert isinstance(caught.value.__cause__, ValueError)
    assert await names(engine) == ["b"]


async def test_a_write_waits_for_another_process_that_writes(
    engine: AsyncEngine, settings: SqliteSettings
) -> None:
    writer = GroupWriter(engine)
    holder = sqlite3.connect(settings.path)
    holder.execute("BEGIN IMMEDIATE")
    async with running(writer):
        writing = asyncio.ensure_future(writer.write(put("a")))
        await asyncio.sleep(0.1)
        assert not writing.done()
        holder.rollback()
        await asyncio.wait_for(writing, 5)
    holder.close()

    assert await names(engine) == ["a"]
    assert writer.failed_writes == 0


async def test_a_lock_that_stays_fails_the_group_and_not_the_next(
    engine: AsyncEngine, settings: SqliteSettings
) -> None:
    writer = GroupWriter(engine)
    holder = sqlite3.connect(settings.path)
    holder.execute("BEGIN IMMEDIATE")
    async with running(writer):
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(writer.write(put("a")), 5)
        holder.rollback()
        await writer.write(put("b"))
    holder.close()

    assert await names(engine) == ["b"]
    assert writer.failed_writes == 1


async def test_whoever_gave_up_waiting_disturbs_nobody(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)
    async with running(writer):
        impatient = asyncio.ensure_future(writer.write(put("a")))
        patient = asyncio.ensure_future(writer.write(put("b")))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait_for(patient, 5)

    assert "b" in await names(engine)


async def test_a_writer_that_was_stopped_refuses_and_counts(engine: AsyncEngine) -> None:
    writer = GroupWriter(engine)
    settled: list[object] = []
    async with running(writer):
        pass

    writer.submit(put("a"), settled.append)
    with pytest.raises(StoreUnavailable):
        await writer.write(put("b"))

    assert len(settled) == 1
    assert isinstance(settled[0], StoreUnavailable)
    assert writer.failed_writes == 1
    assert await names(engine) == []


@pytest.mark.parametrize("is_busy", [False, True], ids=["about to write", "waiting for a lock"])
async def test_a_writer_that_is_cancelled_leaves_nobody_waiting(
    engine: AsyncEngine, settings: SqliteSettings, is_busy: bool
) -> None:
    writer = GroupWriter(engine)
    settled: list[object] = []
    holder = sqlite3.connect(settings.path)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(writer.run())
        await asyncio.sleep(0)
        holder.execute("BEGIN IMMEDIATE")
        taken = asyncio.ensure_future(writer.write(put("a")))
        await asyncio.sleep(0.01 if is_busy else 0)
        running.cancel()
        writer.submit(put("b"), settled.append)
        queued = asyncio.ensure_future(writer.write(put("c")))
        outcomes = await asyncio.gather(taken, queued, return_exceptions=True)
    holder.close()

    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    assert len(settled) == 1
    with pytest.raises(StoreUnavailable):
        await writer.write(put("d"))
    assert await names(engine) == []
