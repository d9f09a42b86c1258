"""Conversations go by age and by deletion, wholly, and never under a turn that is live."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.conversations.removal import Removal
from lightspeed_core.conversations.retention import ConversationRetention
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.errors import NotFound
from tests.support.databases import (
    NOON,
    ManualClock,
    a_turn,
    answered,
    batch,
    completed,
    eventually,
    open_workers,
)

DAY = 24 * 3600
KEEP = timedelta(days=7)
SECRET = "the word that nobody may find again "


async def conversations_of(store: ConversationStore, count: int) -> list[str]:
    return sorted([(await answered(store, a_turn())).conversation_id for _ in range(count)])


def sweeper(store: ConversationStore) -> ConversationRetention:
    return ConversationRetention(store, Removal(store), keep=KEEP)


@pytest.mark.requirement("retention.conversations")
async def test_idle_are_those_whose_last_message_is_old(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    old, continued = await conversations_of(store, 2)
    clock.advance(8 * DAY)
    now = NOON + timedelta(days=8)
    await answered(other, a_turn(continued, started_at=now), is_new=False)
    await answered(store, a_turn(started_at=now))

    assert await other.idle(KEEP, limit=9) == [old]
    assert not await other.delete(continued, idle_for=KEEP)
    assert await other.delete(old, idle_for=KEEP)
    assert not await store.delete(old, idle_for=KEEP)
    assert await store.find(old) is None
    assert len(await store.list(None)) == 2


@pytest.mark.requirement("retention.conversations")
async def test_a_conversation_with_a_live_turn_is_not_idle_even_if_its_worker_died(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    (old,) = await conversations_of(store, 1)
    clock.advance(8 * DAY)
    waiting = a_turn(old)
    await store.begin(waiting)

    assert await other.idle(KEEP, limit=9) == []
    assert not await other.delete(old, idle_for=KEEP)
    clock.advance(60)
    assert not await other.delete(old, idle_for=KEEP)
    assert await other.find_turn(waiting.turn_id) is not None


async def test_idle_conversations_are_paged_in_order_of_their_ids(
    store: ConversationStore, clock: ManualClock
) -> None:
    ids = await conversations_of(store, 5)
    clock.advance(8 * DAY)

    first = await store.idle(KEEP, limit=2)
    assert first == ids[:2]
    assert await store.idle(KEEP, limit=9, after=first[-1]) == ids[2:]
    assert await store.idle(KEEP, limit=9, after=ids[-1]) == []


async def test_users_of_a_conversation_are_its_owner_and_who_asked(
    store: ConversationStore, other: ConversationStore
) -> None:
    first = await answered(store, a_turn(user_id="ann"))
    for user_id in ("bob", "ann", "bob"):
        await answered(store, a_turn(first.conversation_id, user_id=user_id), is_new=False)

    assert sorted(await other.users_of(first.conversation_id)) == ["ann", "bob"]
    assert await store.users_of("unknown") == []


@pytest.mark.requirement("retention.workers")
async def test_workers_that_sweep_at_once_delete_each_old_conversation_once(
    store: ConversationStore,
    other: ConversationStore,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = await conversations_of(store, 130)
    clock.advance(8 * DAY)
    young = await answered(store, a_turn(started_at=NOON + timedelta(days=8)))

    with caplog.at_level(logging.INFO):
        async with asyncio.TaskGroup() as group:
            for worker in (store, other):
                group.create_task(sweeper(worker).sweep())

    assert [each.conversation_id for each in await store.list(None)] == [young.conversation_id]
    counts = [
        record.args[0]
        for record in caplog.records
        if "deleted by age" in record.msg and isinstance(record.args, tuple)
    ]
    assert sum(count for count in counts if isinstance(count, int)) == len(old)


async def begins(store: ConversationStore, conversation_id: str) -> bool:
    try:
        await store.begin(a_turn(conversation_id))
    except NotFound:
        return False
    return True


@pytest.mark.requirement("retention.workers")
async def test_a_turn_that_comes_while_its_conversation_is_swept_keeps_it_or_is_refused(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    old = await conversations_of(store, 60)
    clock.advance(8 * DAY)

    async with asyncio.TaskGroup() as group:
        received = [group.create_task(begins(store, each)) for each in old]
        deleted = [group.create_task(other.delete(each, idle_for=KEEP)) for each in reversed(old)]

    outcomes = [
        (begun.result(), gone.result())
        for begun, gone in zip(received, reversed(deleted), strict=True)
    ]
    assert set(outcomes) <= {(True, False), (False, True)}
    left = {each.conversation_id for each in await store.list(None)}
    assert left == {each for each, (begun, _) in zip(old, outcomes, strict=True) if begun}


@pytest.mark.requirement("store.erased")
async def test_a_sqlite_file_holds_no_byte_of_what_was_deleted(
    tmp_path: Path, clock: ManualClock
) -> None:
    file = tmp_path / "conversations.db"
    async with open_workers(SqliteSettings(path=file), clock) as new_worker:
        one, two = await new_worker(), await new_worker()
        kept = await answered(one, a_turn(question="a question that stays"))
        turn = a_turn(question=SECRET * 20)
        one.begin_new(turn)
        for index in range(3):
            one.append_journal(batch(turn, index))
        await one.finish(completed(turn, SECRET * 2000), None)
        await two.rename(turn.conversation_id, SECRET)
        again = a_turn(turn.conversation_id, question=SECRET)
        await two.begin(again)
        await two.finish(completed(again, SECRET), None)

        def everything() -> bytes:
            return b"".join(path.read_bytes() for path in tmp_path.iterdir())

        async def is_erased() -> bool:
            return SECRET.encode() not in everything()

        assert not await is_erased()
        assert await two.delete(turn.conversation_id)
        await eventually(is_erased, within=30)

        assert b"a question that stays" in everything()
        assert await one.history(kept.conversation_id) == [kept]
