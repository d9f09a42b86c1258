"""Turns that are read from the store."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from lightspeed_core.assistant.journal import encode_events
from lightspeed_core.assistant.live import EventSource, outcome_of
from lightspeed_core.assistant.replay import StoredTurnSource
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.events import TextDelta, TurnCompleted, TurnEvent
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import NotFound, StoreUnavailable
from lightspeed_core.quota.account import FreeAccount
from tests.support.assistants import WAIT_SECONDS, all_events
from tests.support.databases import a_turn, completed


def a_running_turn(store: MemoryConversationStore, *payloads: bytes) -> Turn:
    turn = a_turn()
    store.begin_new(turn)
    for index, payload in enumerate(payloads):
        store.append_journal(JournalBatch(turn_id=turn.turn_id, index=index, payload=payload))
    return turn


def source_of(turn: Turn, store: MemoryConversationStore, heartbeat: float = 60) -> EventSource:
    return StoredTurnSource(turn.turn_id, store, heartbeat=heartbeat, left=FreeAccount().left)


async def test_what_joins_the_journal_is_read_until_the_turn_has_ended(
    store: MemoryConversationStore,
) -> None:
    turn = a_running_turn(store, encode_events([TextDelta(("a", "b"))]))
    source = source_of(turn, store)
    assert source.turn_id == turn.turn_id
    read: list[tuple[TurnEvent, ...]] = []
    async with asyncio.timeout(WAIT_SECONDS), aclosing(source.events()) as batches:
        read.append(await anext(batches))
        last = JournalBatch(
            turn_id=turn.turn_id, index=1, payload=encode_events([TextDelta(("c",))])
        )
        await store.finish(completed(turn), last)
        read += [batch async for batch in batches]

    assert read == [
        (TextDelta(("a", "b")),),
        (TextDelta(("c",)),),
        (TurnCompleted(completed(turn)),),
    ]


async def test_silence_of_another_worker_yields_empty_batches(
    store: MemoryConversationStore,
) -> None:
    source = source_of(a_running_turn(store), store, heartbeat=0.01)

    async with asyncio.timeout(WAIT_SECONDS), aclosing(source.events()) as batches:
        assert [await anext(batches) for _ in range(2)] == [(), ()]


async def test_a_turn_that_is_deleted_while_it_is_read_is_not_found(
    store: MemoryConversationStore,
) -> None:
    turn = a_running_turn(store, encode_events([TextDelta(("a",))]))
    async with asyncio.timeout(WAIT_SECONDS), aclosing(source_of(turn, store).events()) as batches:
        await anext(batches)
        await store.delete(turn.conversation_id)
        with pytest.raises(NotFound, match="Streaming Request not found"):
            await anext(batches)


async def test_a_damaged_journal_is_a_fault_of_the_store(store: MemoryConversationStore) -> None:
    source = source_of(a_running_turn(store, b"[["), store)

    with pytest.raises(StoreUnavailable, match="damaged"):
        await all_events(source)


async def test_a_purged_journal_leaves_the_end(store: MemoryConversationStore) -> None:
    turn = a_running_turn(store, encode_events([TextDelta(("a",))]))
    await store.finish(completed(turn), None)
    await store.purge_journal(timedelta(seconds=-1))

    assert await all_events(source_of(turn, store)) == [TurnCompleted(completed(turn))]
    assert await outcome_of(source_of(turn, store)) == completed(turn)
