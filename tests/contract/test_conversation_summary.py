"""Summaries of conversations in every store, and that workers write one between them."""

import asyncio
from dataclasses import replace

import pytest

from lightspeed_core.assistant.context import AssistantSettings, CompactionSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.models import Summary
from lightspeed_core.conversations.store import ConversationStore
from tests.support.assistants import caller, wired_assistant
from tests.support.databases import a_turn, answered
from tests.support.scripted_engine import DEFAULT_MODEL, ScriptedEngine, says


async def test_a_summary_is_stored_once_and_replaced_by_who_knows_it(
    store: ConversationStore, other: ConversationStore
) -> None:
    turn = await answered(store, a_turn())
    first = Summary(conversation_id=turn.conversation_id, last_turn_id="t1", text="one")
    second = replace(first, last_turn_id="t2", text="one and two")

    assert await store.find_summary(turn.conversation_id) is None
    assert not await store.save_summary(second, replaced=first)
    assert await store.save_summary(first, replaced=None)
    assert not await other.save_summary(second, replaced=None)
    assert await other.find_summary(turn.conversation_id) == first
    assert await other.save_summary(second, replaced=first)
    assert not await store.save_summary(replace(first, last_turn_id="t3"), replaced=first)
    assert await store.find_summary(turn.conversation_id) == second


@pytest.mark.requirement("compaction.deleted")
async def test_a_summary_goes_with_its_conversation(
    store: ConversationStore, other: ConversationStore
) -> None:
    turn = await answered(store, a_turn())
    summary = Summary(conversation_id=turn.conversation_id, last_turn_id="t1", text="one")
    await store.save_summary(summary, replaced=None)

    assert await other.delete(turn.conversation_id)

    assert await store.find_summary(turn.conversation_id) is None
    assert not await store.save_summary(summary, replaced=None)


@pytest.mark.requirement("compaction.workers")
async def test_two_workers_that_go_on_at_once_summarise_once(
    store: ConversationStore, other: ConversationStore
) -> None:
    engine = ScriptedEngine().will(says("A summary."), says("one"), says("two"))
    compaction = CompactionSettings(
        token_floor=100, buffer_turns=1, context_windows={DEFAULT_MODEL: 800}
    )
    settings = AssistantSettings(system_prompt="Be brief.", compaction=compaction)
    first = await answered(store, a_turn(question="long " * 300))
    for number in range(2):
        turn = a_turn(first.conversation_id, question=f"{number} long" * 100)
        await answered(store, turn, is_new=False)
    async with (
        wired_assistant(engine, store, settings=settings) as one,
        wired_assistant(engine, other, settings=settings) as two,
        asyncio.timeout(30),
    ):
        sources = await asyncio.gather(
            *(
                worker.assistant.start(
                    TurnRequest(
                        query=f"go on {number}",
                        conversation_id=first.conversation_id,
                        generate_topic_summary=False,
                    ),
                    caller(),
                )
                for number, worker in enumerate((one, two))
            )
        )
        for source in sources:
            await outcome_of(source)

    summaries = [chat for chat in engine.chats if "Summarise" in chat.messages[0].content]
    assert len(summaries) == 1
    assert await store.find_summary(first.conversation_id) is not None
    assert len(await store.history(first.conversation_id)) == 5
