"""What the service does with a real PostgreSQL server beyond the suite of the stores."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import column, table

from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.database import Database
from lightspeed_core.db.migrate import HEAD, VERSION_TABLE
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.db.writer import Statement
from lightspeed_core.errors import ConfigurationError, StoreUnavailable
from tests.support.databases import NOON, a_turn, answered, eventually
from tests.support.postgres import Postgres
from tests.support.schema import differences

SHELF = table("shelf", column("name"), column("n"))
RAISE = update(SHELF).where(SHELF.c.name == bindparam("which")).values(n=SHELF.c.n + 1)
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'lightspeed-stack' AND pid <> pg_backend_pid()"
)
WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'postgres'"


@pytest.fixture
def settings(postgres: Postgres) -> PostgresSettings:
    return postgres.settings()


@pytest.fixture
async def database(settings: PostgresSettings) -> AsyncIterator[Database]:
    async with Database(settings) as database:
        yield database


@pytest.fixture
async def outside(postgres: Postgres) -> AsyncIterator[AsyncConnection]:
    """A connection that is not the service's."""
    engine = postgres.engine()
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def versions(outside: AsyncConnection, settings: PostgresSettings) -> list[str]:
    query = text(f'SELECT version_num FROM "{settings.namespace}".{VERSION_TABLE}')
    return list(await outside.scalars(query))


@pytest.mark.requirement("store.postgres")
async def test_services_that_start_at_once_make_schema_and_tables_once(
    settings: PostgresSettings, outside: AsyncConnection
) -> None:
    databases = [Database(settings) for _ in range(4)]

    await asyncio.gather(*(database.open() for database in databases))

    for database in reversed(databases):
        await database.close()
    assert await versions(outside, settings) == [HEAD]


async def test_the_migrated_schema_is_the_one_that_the_tables_describe(
    database: Database,
) -> None:
    assert await database.read(differences) == []


async def test_a_newer_schema_is_refused(
    settings: PostgresSettings, outside: AsyncConnection
) -> None:
    async with Database(settings):
        pass
    newer = f"UPDATE \"{settings.namespace}\".{VERSION_TABLE} SET version_num = '9999'"
    await outside.execute(text(newer))

    with pytest.raises(ConfigurationError, match=r"version 9999.*nothing was changed"):
        await Database(settings).open()

    assert await versions(outside, settings) == ["9999"]


async def test_services_with_namespaces_of_their_own_do_not_see_each_other(
    postgres: Postgres,
) -> None:
    one, two = (SqlConversationStore(Database(postgres.settings())) for _ in range(2))
    async with one, two:
        answer = await answered(one, a_turn())

        assert await one.find(answer.conversation_id) is not None
        assert await two.find(answer.conversation_id) is None


async def test_a_namespace_that_exists_needs_no_right_to_create_one(
    settings: PostgresSettings, outside: AsyncConnection
) -> None:
    await outside.execute(text("DROP ROLE IF EXISTS guest"))
    await outside.execute(text("CREATE ROLE guest LOGIN"))
    guest = replace(settings, user="guest")

    with pytest.raises(ConfigurationError, match="permission denied"):
        await Database(guest).open()
    await outside.execute(text(f'CREATE SCHEMA "{settings.namespace}" AUTHORIZATION guest'))
    async with Database(guest):
        pass

    assert await versions(outside, settings) == [HEAD]
    await outside.execute(text(f'DROP SCHEMA "{settings.namespace}" CASCADE'))
    await outside.execute(text("DROP ROLE guest"))


@pytest.mark.requirement("store.postgres")
async def test_connections_that_were_dropped_are_opened_again(
    database: Database, outside: AsyncConnection
) -> None:
    store = SqlConversationStore(database)
    first = await answered(store, a_turn())

    await outside.execute(text(TERMINATE))
    found = await store.find_turn(first.turn_id)
    await outside.execute(text(TERMINATE))
    second = await answered(store, a_turn())

    assert found == first
    assert await store.find_turn(second.turn_id) == second
    assert store.failed_writes == 0


async def test_a_write_that_would_deadlock_is_tried_again(
    database: Database, settings: PostgresSettings, outside: AsyncConnection
) -> None:
    await outside.execute(text(f'SET search_path = "{settings.namespace}"'))
    await outside.execute(text("CREATE TABLE shelf (name text PRIMARY KEY, n integer)"))
    await outside.execute(text("INSERT INTO shelf VALUES ('a', 0), ('b', 0)"))
    await outside.execute(text("SET deadlock_timeout = '1min'"))  # so that the service loses
    await outside.execute(text("BEGIN"))
    await outside.execute(RAISE, {"which": "b"})

    async def is_waiting() -> bool:
        return bool(await database.read(lambda c: c.execute(text(WAITS)).all()))

    rows = [(Statement(1, RAISE), {"which": "a"}), (Statement(2, RAISE), {"which": "b"})]
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(database.writer.write(rows))
        await eventually(is_waiting)
        await outside.execute(RAISE, {"which": "a"})
        await outside.execute(text("COMMIT"))

    shelf = await outside.execute(text("SELECT name, n FROM shelf ORDER BY name"))
    assert [tuple(row) for row in shelf] == [("a", 2), ("b", 2)]
    assert database.writer.failed_writes == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"database": "nowhere"}, 'nowhere as postgres .*database "nowhere" does not exist'),
        ({"user": "nobody"}, 'as nobody .*role "nobody" does not exist'),
    ],
)
async def test_a_server_that_refuses_stops_the_start_with_its_reason(
    settings: PostgresSettings, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        await Database(replace(settings, **changes, password="s3cret")).open()

    assert "s3cret" not in str(caught.value)


async def test_a_server_that_does_not_answer_is_named(settings: PostgresSettings) -> None:
    elsewhere = replace(settings, host="127.0.0.1", port=9)

    with pytest.raises(StoreUnavailable) as caught:
        await Database(elsewhere).open()

    assert "does not answer: 127.0.0.1:9/postgres" in caught.value.cause


@pytest.mark.requirement("store.clock")
async def test_leases_go_by_the_clock_of_the_server(
    database: Database, outside: AsyncConnection
) -> None:
    database.clock.set(NOON, asked_at=time.monotonic())
    before = await outside.scalar(text("SELECT clock_timestamp()"))
    await SqlConversationStore(database).claim_expired()
    told = database.clock()
    after = await outside.scalar(text("SELECT clock_timestamp()"))

    assert before is not None
    assert after is not None
    assert before - timedelta(seconds=1) < told < after + timedelta(seconds=1)
