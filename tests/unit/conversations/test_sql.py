import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.sql.recording import Recording
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.errors import StoreUnavailable
from tests.support.databases import NOON, ManualClock, a_turn, completed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlConversationStore]:
    settings = SqliteSettings(path=path, busy_timeout=0.02)
    async with SqlConversationStore(Database(settings)) as store:
        yield store


def run_sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_new_conversation_is_found_as_soon_as_it_is_begun(
    store: SqlConversationStore,
) -> None:
    turn = a_turn()
    store.begin_new(turn)

    assert await store.find(turn.conversation_id) is not None
    assert await store.find_turn(turn.turn_id) == turn


async def test_a_turn_whose_beginning_could_not_be_written_is_whole_when_it_ends(
    store: SqlConversationStore, path: Path
) -> None:
    run_sql(path, "ALTER TABLE lcs_turns RENAME TO elsewhere")
    turn = a_turn()
    store.begin_new(turn)
    assert await store.find(turn.conversation_id) is None
    run_sql(path, "ALTER TABLE elsewhere RENAME TO lcs_turns")

    signs = await store.renew_leases([turn.turn_id])
    await store.finish(completed(turn), None)

    assert signs.lost == frozenset()
    assert await store.history(turn.conversation_id) == [completed(turn)]
    assert store.failed_writes == 1


async def test_a_turn_is_whole_when_its_beginning_fails_in_the_group_of_its_end(
    store: SqlConversationStore, path: Path
) -> None:
    once = (
        "CREATE TRIGGER once BEFORE INSERT ON lcs_turns WHEN NEW.user_id = 'ann' "
        "AND (SELECT count(*) FROM lcs_turns WHERE user_id = 'bob') = 0 "
        "BEGIN SELECT RAISE(ABORT, 'not before bob'); END"
    )
    run_sql(path, once)
    turn, bob = a_turn(), a_turn(user_id="bob")
    store.begin_new(turn)
    store.begin_new(bob)

    await store.finish(completed(turn), None)

    assert await store.history(turn.conversation_id) == [completed(turn)]
    assert store.failed_writes == 1


async def test_an_end_that_cannot_be_written_is_told_and_the_next_turn_goes_on(
    store: SqlConversationStore, path: Path
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    assert await store.find(turn.conversation_id) is not None
    holder = sqlite3.connect(path)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable):
        await asyncio.wait_for(store.finish(completed(turn), None), 10)

    holder.rollback()
    holder.close()
    other = a_turn()
    store.begin_new(other)
    await store.finish(completed(other), None)
    assert await store.history(other.conversation_id) == [completed(other)]
    assert store.failed_writes == 1


async def test_nothing_is_read_before_the_first_turn_of_a_conversation_runs(
    store: SqlConversationStore, path: Path
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    run_sql(path, "ALTER TABLE lcs_turns RENAME TO elsewhere")

    async with asyncio.timeout(5):
        await store.wait_for_predecessors(turn)
    run_sql(path, "ALTER TABLE elsewhere RENAME TO lcs_turns")


async def test_conversations_outlive_the_store(path: Path) -> None:
    settings = SqliteSettings(path=path)
    turn = a_turn()
    async with SqlConversationStore(Database(settings)) as first:
        first.begin_new(turn)
        first.append_journal(JournalBatch(turn_id=turn.turn_id, index=0, payload=b"\x00\xff"))
    async with SqlConversationStore(Database(settings)) as second:
        assert await second.find_turn(turn.turn_id) == turn
        [batch] = await second.journal(turn.turn_id)

    assert batch.payload == b"\x00\xff"


async def test_each_batch_tells_how_long_it_waited_for_its_commit(path: Path) -> None:
    waited: list[float] = []
    turn = a_turn()
    database = Database(SqliteSettings(path=path))
    async with SqlConversationStore(database, on_journaled=waited.append) as store:
        store.begin_new(turn)
        for index in range(2):
            store.append_journal(JournalBatch(turn_id=turn.turn_id, index=index, payload=b"x"))
        assert waited == []

    assert len(waited) == 2
    assert min(waited) > 0


async def test_text_of_every_kind_comes_back_from_the_database(
    store: SqlConversationStore,
) -> None:
    turn = a_turn(question="\x00 \ud800 '); DROP TABLE lcs_turns; -- 🦜 \u2028")
    store.begin_new(turn)
    await store.finish(completed(turn), None)

    [back] = await store.history(turn.conversation_id)

    assert back.question == turn.question


def test_all_prepared_statements_can_be_said_to_postgresql() -> None:
    recording = Recording("postgresql", "me")
    turn = a_turn()
    batch = JournalBatch(turn_id=turn.turn_id, index=0, payload=b"")
    rows = [
        *recording.begin(turn, expires_at=NOON, is_new=True),
        *recording.finish(completed(turn), batch, NOON),
    ]

    said = [
        str(statement.sql.compile(dialect=postgresql.asyncpg.dialect(), column_keys=list(row)))
        for statement, row in rows
    ]

    assert len(said) == 6
    assert sum("ON CONFLICT" in text for text in said) == 3


async def test_a_beginning_that_is_written_again_is_counted_once(
    store: SqlConversationStore, path: Path
) -> None:
    turn = a_turn()
    rows = Recording("sqlite", "me").begin(turn, expires_at=NOON, is_new=True)
    async with Database(SqliteSettings(path=path)) as database:
        for _ in range(2):
            await database.writer.write(rows)

    found = await store.find(turn.conversation_id)
    assert found is not None
    assert found.message_count == 1


async def test_a_turn_that_no_document_can_hold_is_left_to_be_settled(path: Path) -> None:
    clock = ManualClock()
    async with SqlConversationStore(Database(SqliteSettings(path=path)), clock=clock) as store:
        turn = a_turn()
        store.begin_new(turn)
        call = ToolCall(id="c", name="n", arguments={"x": object()})
        with pytest.raises(TypeError):
            await store.finish(replace(completed(turn), tool_calls=(call,)), None)
        assert await store.find(turn.conversation_id) is not None
        clock.advance(11)

        (expired,) = await store.claim_expired()

    assert expired.turn == turn
