"""What a turn stores, in a conversation that is new and in one that is long."""

from collections.abc import Mapping
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Table, select

from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.tables import conversations, journal, turns
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.messages import Role
from tests.support.assistants import caller, wired_assistant
from tests.support.filling import Past, bytes_of, fill
from tests.support.scripted_engine import ScriptedEngine

LENGTHS = (0, 49, 200)
# What counts of a turn may have more digits.
SMALL = 8

type Size = tuple[int, int]


def size_of(connection: Connection, table: Table) -> Size:
    """Return how many rows a table has, and how many bytes stand in them."""
    rows = connection.execute(select(table)).all()
    return len(rows), bytes_of(rows)


async def sizes(database: Database) -> Mapping[str, Size]:
    def measure(connection: Connection) -> Mapping[str, Size]:
        return {table.name: size_of(connection, table) for table in (conversations, turns, journal)}

    return await database.read(measure)


async def growth_by_a_turn(database_settings: DatabaseSettings, length: int) -> Mapping[str, Size]:
    """Return what one more turn adds to each table, in a conversation of that many turns."""
    database = Database(database_settings)
    engine = ScriptedEngine()
    store = SqlConversationStore(database)
    async with store, wired_assistant(engine, store) as worker:
        past = Past(conversation_id=str(uuid4()), user_id="ann", turns=length)
        if length:
            await fill(database, [past])
        before = await sizes(database)
        request = TurnRequest(
            query="How do I start?",
            conversation_id=past.conversation_id if length else None,
            generate_topic_summary=False,
        )
        turn = await outcome_of(await worker.assistant.start(request, caller()))
        after = await sizes(database)
    assert turn.recorded
    asked = [m for m in engine.chats[-1].messages if m.role is Role.USER]
    assert len(asked) == length + 1
    return {
        name: (after[name][0] - before[name][0], after[name][1] - before[name][1])
        for name in before
    }


@pytest.mark.requirement("store.growth")
async def test_what_a_turn_stores_does_not_grow_with_its_conversation(
    database_settings: DatabaseSettings,
) -> None:
    first, middle, last = [await growth_by_a_turn(database_settings, n) for n in LENGTHS]

    assert [first[name][0] for name in first] == [1, 1, 1]
    for later in (middle, last):
        # The conversation is there already: one turn, one batch.
        assert [later[name][0] for name in later] == [0, 1, 1]
        assert later[conversations.name][1] <= SMALL
        for table in (turns, journal):
            assert abs(later[table.name][1] - first[table.name][1]) <= SMALL
