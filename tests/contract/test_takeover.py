"""Conversations of the original: imported once, never altered, deleted with ours."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from lightspeed_core.app.takeover import saved_prompts_of_original
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.sql.takeover import Takeover
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.domain.retrieval import ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import ConfigurationError, NotReady
from lightspeed_core.prompts.sql import SqlSavedPrompts
from tests.support.databases import a_turn, answered, completed, eventually, spell
from tests.support.importer import place_of
from tests.support.original import (
    BEGINNING,
    SHAPES,
    Old,
    Original,
    Said,
    an_id,
    old_conversations,
)

STACK_ID = "0123456789abcdef" * 3
BOUND_SECONDS = 60


@pytest.fixture(params=SHAPES)
def original(request: pytest.FixtureRequest, database_settings: DatabaseSettings) -> Original:
    """The original's tables in the database that is to become ours."""
    return original_in(database_settings, str(request.param))


def original_in(settings: DatabaseSettings, shape: str = "newer") -> Original:
    if isinstance(settings, PostgresSettings):
        return Original(settings, schema=settings.namespace, shape=shape)
    return Original(settings, shape=shape)


@asynccontextmanager
async def opened(
    settings: DatabaseSettings, *others: DatabaseSettings
) -> AsyncGenerator[tuple[SqlConversationStore, Takeover]]:
    """Open a store whose database may hold the original's tables, and `others` as well."""
    database = Database(settings)
    places = [place_of(settings), *(place_of(other, is_ours=False) for other in others)]
    takeover = Takeover(database, places)
    async with SqlConversationStore(database, takeover=takeover) as store:
        yield store, takeover


@asynccontextmanager
async def imported(
    settings: DatabaseSettings, *others: DatabaseSettings
) -> AsyncGenerator[SqlConversationStore]:
    async with opened(settings, *others) as (store, takeover):
        async with asyncio.timeout(BOUND_SECONDS):
            await takeover.run()
        yield store


@pytest.mark.requirement("store.takeover")
async def test_a_conversation_is_imported_with_all_that_is_known_of_it(original: Original) -> None:
    said = [Said(query="one"), Said(query="two", seconds=7.5)]
    await original.create()
    await original.add(Old(conversation_id=an_id(1), said=said, metadata={"message_count": 5}))

    async with imported(original.settings) as store:
        (conversation,) = await store.list("ann")
        turns = await store.history(an_id(1))

    assert conversation.conversation_id == an_id(1)
    assert conversation.user_id == "ann"
    assert conversation.created_at == BEGINNING
    assert conversation.last_message_at == BEGINNING + timedelta(seconds=7.5)
    assert conversation.message_count == 5
    assert conversation.topic_summary == "Old Topic"
    assert (conversation.last_used_provider, conversation.last_used_model) == ("openai", "fake-llm")
    assert [(turn.question, turn.text) for turn in turns] == [
        ("one", "Answer to one"),
        ("two", "Answer to two"),
    ]
    first = turns[0]
    assert first.state is TurnState.COMPLETED
    assert (first.model.provider, first.model.model) == ("openai", "fake-llm")
    assert first.started_at == BEGINNING
    assert first.completed_at == BEGINNING + timedelta(seconds=2)
    newer = original.shape == "newer"
    assert first.tool_calls == (
        (ToolCall(id="fc_1", name="file_search", arguments={"query": "olm"}, type="mcp_call"),)
        if newer
        else ()
    )
    assert first.tool_results == (
        (
            ToolResult(
                call_id="fc_1",
                name="file_search",
                status="success",
                content="found",
                type="mcp_call",
                round=2,
            ),
        )
        if newer
        else ()
    )
    document = ReferencedDocument(doc_url="https://d.example/olm", doc_title="OLM", source="ocp")
    assert first.referenced_documents == ((document,) if newer else ())


@pytest.mark.requirement("store.takeover")
@pytest.mark.parametrize("count", [0, 3])
async def test_nothing_of_the_original_is_altered(original: Original, count: int) -> None:
    await original.create()
    await original.add(*old_conversations(count))
    before = await original.dump()

    async with imported(original.settings) as store:
        assert len(await store.list(None)) == count
        await answered(store, a_turn())

    assert await original.dump() == before


async def test_a_database_without_tables_of_the_original_imports_nothing(
    database_settings: DatabaseSettings,
) -> None:
    async with imported(database_settings) as store:
        assert await store.list(None) == []


async def test_tables_of_the_same_names_and_other_columns_are_left_alone(
    database_settings: DatabaseSettings,
) -> None:
    other = original_in(database_settings)
    await other.create(metadata=False, cache=False)
    for name in ("cache", "conversations", "user_conversation"):
        await other.execute(f"CREATE TABLE {{s}}{name} (id VARCHAR, user_id VARCHAR)")
        await other.execute(f"INSERT INTO {{s}}{name} VALUES ('1', 'ann')")

    async with imported(database_settings) as store:
        assert await store.list(None) == []
        await store.delete((await answered(store, a_turn())).conversation_id)

    assert [await other.count(name) for name in ("cache", "user_conversation")] == [1, 1]


@pytest.mark.requirement("store.takeover")
@pytest.mark.parametrize(
    ("stored", "cached"),
    [
        (an_id(1), an_id(1)),
        (STACK_ID, STACK_ID),
        (STACK_ID, f"conv_{STACK_ID}"),
        (f"conv_{STACK_ID}", STACK_ID),
    ],
)
async def test_every_spelling_of_an_id_means_the_same_conversation(
    database_settings: DatabaseSettings, stored: str, cached: str
) -> None:
    original = original_in(database_settings)
    await original.create()
    await original.add(Old(conversation_id=stored, cached_as=cached, said=[Said(query="one")]))

    async with imported(database_settings) as store:
        (conversation,) = await store.list(None)
        assert conversation.conversation_id == stored.removeprefix("conv_")
        assert conversation.topic_summary == "Old Topic"
        assert len(await store.history(conversation.conversation_id)) == 1
        assert await store.delete(conversation.conversation_id)

    assert not any((await original.dump()).values())


@pytest.mark.requirement("store.takeover")
async def test_turns_that_others_asked_belong_to_the_owners_conversation(
    original: Original,
) -> None:
    await original.create()
    said = [
        Said(query="one"),
        Said(query="two", user_id="bob", seconds=1),
        Said(query="three", seconds=2),
    ]
    await original.add(Old(conversation_id=an_id(1), said=said))

    async with imported(original.settings) as store:
        assert [each.conversation_id for each in await store.list("ann")] == [an_id(1)]
        assert await store.list("bob") == []
        turns = await store.history(an_id(1))

    assert [(turn.question, turn.user_id) for turn in turns] == [
        ("one", "ann"),
        ("two", "bob"),
        ("three", "ann"),
    ]


@pytest.mark.requirement("store.takeover")
async def test_a_conversation_that_only_one_of_the_two_knows_is_imported(
    original: Original,
) -> None:
    await original.create()
    without_texts = Old(conversation_id=an_id(1), metadata={"message_count": 4})
    without_metadata = Old(
        conversation_id=an_id(2),
        user_id=None,
        cached_topic="Cached Topic",
        said=[Said(query="one", user_id="bob", seconds=5), Said(query="two", user_id="eve")],
    )
    await original.add(without_texts, without_metadata)

    async with imported(original.settings) as store:
        listed = {each.conversation_id: each for each in await store.list(None)}
        assert await store.history(an_id(1)) == []
        assert len(await store.history(an_id(2))) == 2

    assert listed[an_id(1)].message_count == 4
    assert listed[an_id(1)].topic_summary == "Old Topic"
    assert listed[an_id(2)].user_id == "eve"
    assert listed[an_id(2)].message_count == 2
    assert listed[an_id(2)].topic_summary == "Cached Topic"
    assert listed[an_id(2)].last_message_at == BEGINNING + timedelta(seconds=5)
    assert listed[an_id(2)].last_used_model == "fake-llm"


@pytest.mark.requirement("store.takeover")
async def test_the_name_that_a_user_gave_comes_before_the_models(original: Original) -> None:
    await original.create()
    await original.add(
        Old(conversation_id=an_id(1), said=[Said(query="one")], cached_topic="By Ann")
    )

    async with imported(original.settings) as store:
        (conversation,) = await store.list("ann")

    assert conversation.topic_summary == "By Ann"


@pytest.mark.requirement("store.takeover")
async def test_rows_that_cannot_be_read_are_skipped_and_logged_by_their_keys(
    database_settings: DatabaseSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    original = original_in(database_settings)
    await original.create()
    damaged = Said(query="two", seconds=1, fields={"tool_calls": "{", "completed_at": "never"})
    await original.add(
        Old(conversation_id=an_id(1), said=[Said(query="one"), damaged]),
        Old(conversation_id="not-an-id", said=[Said(query="lost")]),
    )

    async with imported(database_settings) as store:
        (conversation,) = await store.list(None)
        turns = await store.history(an_id(1))

    assert conversation.conversation_id == an_id(1)
    assert [turn.question for turn in turns] == ["one", "two"]
    assert (turns[1].tool_calls, len(turns[1].tool_results)) == ((), 1)
    assert turns[1].completed_at == BEGINNING + timedelta(seconds=1)
    told = [record.getMessage() for record in caplog.records]
    for table in ("user_conversation", "cache", "conversations"):
        assert any(f"table={table}" in line and "'not-an-id'" in line for line in told), told
    assert any(an_id(1) in line and "tool_calls is not a list" in line for line in told), told
    assert any("conversations=1 turns=2 skipped=4" in line for line in told), told


async def test_values_that_only_sqlite_keeps_are_skipped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    original = Original(SqliteSettings(path=tmp_path / "original.db"))
    await original.create()
    await original.add(Old(conversation_id=an_id(1), said=[Said(query="one")]))
    insert = (
        "INSERT INTO cache (user_id, conversation_id, created_at, query, response) VALUES "
        f"('ann', '{an_id(1)}', "
    )
    await original.execute(f"{insert} 'whenever', 'lost', 'x')")
    await original.execute(f"{insert} 2, CAST(x'ff00' AS TEXT), 'x')")
    await original.execute(f"{insert} 1e300, 'lost', 'x')")
    await original.execute(f"{insert} '2025-10-10T09:13:00', 'kept', NULL)")
    await original.execute(
        "INSERT INTO cache (user_id, conversation_id, created_at) VALUES (x'00', 'c', 1)"
    )

    async with imported(original.settings) as store:
        turns = await store.history(an_id(1))

    assert [(turn.question, turn.text) for turn in turns] == [
        ("one", "Answer to one"),
        ("kept", ""),
    ]
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert sum("created_at is not a time" in line for line in told) == 2
    assert sum("query is not a text" in line for line in told) == 1
    assert "rows of an earlier service have no readable key: table=cache rows=1" in told


@pytest.mark.requirement("store.takeover")
async def test_a_second_start_imports_nothing_again(original: Original) -> None:
    await original.create()
    await original.add(*old_conversations(3))
    async with imported(original.settings) as store:
        await store.rename(an_id(0), "New Topic")
        await store.delete(an_id(1))
        more = await answered(store, a_turn(an_id(2)), is_new=False)
        before = [await store.list(None), await store.history(an_id(2))]

    async with imported(original.settings) as store:
        assert [await store.list(None), await store.history(an_id(2))] == before
        assert len(before[0]) == 2

    assert before[1][-1] == more
    assert len(before[1]) == 3


@pytest.mark.requirement("store.takeover")
async def test_an_imported_conversation_goes_on_where_it_ended(original: Original) -> None:
    await original.create()
    await original.add(Old(conversation_id=an_id(1), said=[Said(query="one")]))

    async with imported(original.settings) as store:
        turn = a_turn(an_id(1), question="two")
        await store.begin(turn)
        await store.wait_for_predecessors(turn)
        await store.finish(completed(turn), None)
        (conversation,) = await store.list("ann")
        turns = await store.history(an_id(1))
        assert await store.live_turns(an_id(1)) == []

    assert conversation.message_count == 2
    assert [turn.question for turn in turns] == ["one", "two"]


@pytest.mark.requirement("store.takeover-deletion")
async def test_deletion_removes_the_originals_rows_of_this_conversation_alone(
    original: Original,
) -> None:
    await original.create()
    said = [Said(query="one"), Said(query="two", user_id="bob", seconds=1)]
    await original.add(
        Old(conversation_id=an_id(1), said=said), Old(conversation_id=an_id(4), said=said)
    )
    if original.shape == "newer":
        moment = "1" if original.is_sqlite else "now()"
        for number in (1, 4):
            await original.execute(
                "INSERT INTO {s}conversation_summaries VALUES "
                f"('ann', '{an_id(number)}', {moment}, 1, 1, 'm', 'summary')"
            )
    before = await original.dump()

    async with imported(original.settings) as store:
        assert await store.delete(an_id(1))
        assert not await store.delete(an_id(1))

    after = await original.dump()
    for table, rows in before.items():
        assert after[table] == [row for row in rows if an_id(1) not in row], table
        assert len(after[table]) < len(rows), table


@pytest.mark.requirement("store.takeover")
@pytest.mark.requirement("store.takeover-deletion")
async def test_metadata_here_and_texts_in_a_cache_elsewhere_make_one_conversation(
    original: Original, tmp_path: Path
) -> None:
    cache = Original(SqliteSettings(path=tmp_path / "cache.db"), shape=original.shape)
    conversation = Old(conversation_id=an_id(1), said=[Said(query="one")])
    await original.create(cache=False)
    await original.add(conversation, cache=False)
    await cache.create(metadata=False)
    await cache.add(conversation, metadata=False)

    async with imported(original.settings, cache.settings) as store:
        (listed,) = await store.list("ann")
        assert listed.topic_summary == "Old Topic"
        assert [turn.question for turn in await store.history(an_id(1))] == ["one"]
        assert (await cache.count("cache"), await cache.count("conversations")) == (1, 1)
        await store.delete(an_id(1))

    assert await original.count("user_conversation") == 0
    assert (await cache.count("cache"), await cache.count("conversations")) == (0, 0)
    # Ours is the only file whose settings may change.
    assert isinstance(cache.settings, SqliteSettings)
    assert not cache.settings.path.with_name("cache.db-wal").exists()
    assert b"Answer to one" not in cache.settings.path.read_bytes()


async def test_a_cache_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    cache = SqliteSettings(path=tmp_path / "cache.db")

    async with imported(SqliteSettings(path=tmp_path / "ours.db"), cache) as store:
        await store.delete((await answered(store, a_turn())).conversation_id)

    assert not cache.path.exists()


async def test_a_cache_that_is_no_database_is_told(tmp_path: Path) -> None:
    cache = SqliteSettings(path=tmp_path / "cache.db")
    cache.path.write_text("This is a text and has never been a database, however long it is.")

    async with opened(SqliteSettings(path=tmp_path / "ours.db"), cache) as (_, takeover):
        with pytest.raises(ConfigurationError, match=r"cache\.db is not a database"):
            await takeover.run()


@pytest.mark.requirement("store.takeover-whole")
async def test_until_the_import_is_done_nothing_is_said_to_be_missing(original: Original) -> None:
    await original.create()
    await original.add(*old_conversations(3))

    async with opened(original.settings) as (store, takeover):
        new = await answered(store, a_turn())
        assert not store.is_complete
        assert await store.find(new.conversation_id) is not None
        async with asyncio.TaskGroup() as group:
            found = group.create_task(store.find(an_id(1)))
            listed = group.create_task(store.list(None))
            deleted = group.create_task(store.delete(an_id(2)))
            await asyncio.sleep(0)
            await takeover.run()

        assert store.is_complete
        assert found.result() is not None
        assert len(listed.result()) >= 3
        assert deleted.result()


async def test_who_waits_too_long_for_the_import_is_told_to_come_again(tmp_path: Path) -> None:
    database = Database(SqliteSettings(path=tmp_path / "ours.db"))
    takeover = Takeover(database, [], wait_seconds=0.05)
    async with SqlConversationStore(database, takeover=takeover) as store:
        with pytest.raises(NotReady) as refused:
            await store.list(None)

    assert refused.value.retry_after == 5


@pytest.mark.requirement("store.takeover")
async def test_prompts_that_users_saved_are_imported_once(
    database_settings: DatabaseSettings, caplog: pytest.LogCaptureFixture
) -> None:
    original = original_in(database_settings)
    await original.create()
    await original.add_prompt(an_id(1), "one")
    await original.add_prompt("17", "two", user_id="bob")
    await original.add_prompt("18", "bad", created_at=None)
    seen: list[list[tuple[str, str]]] = []
    for _ in range(2):
        database = Database(database_settings)
        others = [saved_prompts_of_original()]
        takeover = Takeover(database, [place_of(database_settings)], others=others)
        async with database:
            prompts = SqlSavedPrompts(database)
            await takeover.run()
            (anns,) = await prompts.list("ann", limit=10)
            (bobs,) = await prompts.list("bob", limit=10)
            seen.append([(each.name, each.content) for each in (anns, bobs)])
            assert bobs.created_at == BEGINNING
            await prompts.delete(anns.prompt_id)
            await prompts.add("ann", "one", "Another", most=1)

    first, second = seen
    assert first == [("one", "Content of one"), ("two", "Content of two")]
    # What was deleted here stays deleted.
    assert second == [("one", "Another"), ("two", "Content of two")]
    assert await original.count("saved_prompt") == 3
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "table=saved_prompt key=('ann', 'bad') reason=it has no readable" in told


@pytest.mark.requirement("store.takeover")
async def test_workers_that_start_together_import_once(original: Original) -> None:
    await original.create()
    await original.add(*old_conversations(130))

    async with (
        opened(original.settings) as (one, first),
        opened(original.settings) as (two, second),
    ):
        async with asyncio.timeout(BOUND_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(first.run())
            group.create_task(second.run())
        assert len(await one.list(None)) == 130
        assert len(await two.history(an_id(77))) == 2


@pytest.mark.requirement("store.takeover")
async def test_thousands_of_conversations_are_imported(database_settings: DatabaseSettings) -> None:
    original = original_in(database_settings)
    await original.create()
    await original.add(*old_conversations(5000, users=20))

    async with imported(database_settings) as store:
        listed = await store.list(None)
        assert len(await store.list("user-7")) == 250
        for number in (0, 1234, 4999):
            assert [turn.question for turn in await store.history(an_id(number))] == [
                f"question {number}.0",
                f"question {number}.1",
            ]

    assert {each.conversation_id for each in listed} == {an_id(number) for number in range(5000)}
    assert {each.message_count for each in listed} == {2}


@pytest.mark.requirement("store.takeover-whole")
async def test_an_import_that_was_killed_goes_on_and_nothing_is_lost_or_twice(
    database_settings: DatabaseSettings,
) -> None:
    count = 600
    original = original_in(database_settings)
    await original.create()
    await original.add(*old_conversations(count))
    seen: list[int] = []
    # The first one is killed while it lists, the others while they import.
    for least in (0, 1, 250):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.importer", spell(database_settings)
        )
        await eventually(partial(has_begun, original, least), within=BOUND_SECONDS)
        process.kill()
        await process.wait()
        turns = await original.count("lcs_turns")
        seen.append(await original.count("lcs_conversations"))
        assert turns == 2 * seen[-1], "each is there with all its turns"

    async with imported(database_settings) as store:
        listed = await store.list(None)
        histories = [await store.history(each.conversation_id) for each in listed]

    assert seen[1] < seen[2] < count
    assert {each.conversation_id for each in listed} == {an_id(number) for number in range(count)}
    assert len(listed) == count
    assert {len(turns) for turns in histories} == {2}
    assert await original.count("lcs_takeover_queue") == 0


async def has_begun(original: Original, least: int) -> bool:
    """Say whether an importer has listed something, and imported more than so many."""
    try:
        if least == 0:
            return await original.count("lcs_takeover_listings") > 0
        return await original.count("lcs_conversations") > least
    except DBAPIError:
        return False  # it has not made our tables yet
