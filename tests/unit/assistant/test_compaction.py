"""When older turns are summarised, what the model is then told, and what happens without one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from lightspeed_core.assistant.context import AssistantSettings, CompactionSettings
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import (
    ConversationCompacted,
    TextDelta,
    TurnCompleted,
    TurnEvent,
    TurnInterrupted,
    TurnStarted,
    Warned,
)
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.types import ChatRequest
from lightspeed_core.errors import EngineUnavailable, PromptTooLong
from tests.support.assistants import WAIT_SECONDS, Wired, all_events, caller, wired_assistant
from tests.support.databases import a_turn, answered
from tests.support.scripted_engine import (
    DEFAULT_MODEL,
    ScriptedEngine,
    Step,
    breaks,
    refuses,
    says,
)

LONG = "word " * 120
SETTINGS = CompactionSettings(
    token_floor=100, buffer_turns=2, buffer_max_ratio=0.5, context_windows={DEFAULT_MODEL: 800}
)


def settings(compaction: CompactionSettings | None = SETTINGS) -> AssistantSettings:
    return AssistantSettings(system_prompt="Be brief.", compaction=compaction)


@pytest.fixture
async def worker(engine: ScriptedEngine, store: MemoryConversationStore) -> AsyncIterator[Wired]:
    async with wired_assistant(engine, store, settings=settings()) as wired:
        yield wired


async def conversation_of(store: MemoryConversationStore, turns: int) -> str:
    """Return a conversation with turns of about 130 tokens each."""
    first = await answered(store, a_turn(question=f"0 {LONG}"))
    for number in range(1, turns):
        turn = a_turn(first.conversation_id, question=f"{number} {LONG}")
        await answered(store, turn, is_new=False)
    return first.conversation_id


async def go_on(worker: Wired, conversation_id: str, query: str = "next") -> list[TurnEvent]:
    request = TurnRequest(
        query=query, conversation_id=conversation_id, generate_topic_summary=False
    )
    async with asyncio.timeout(WAIT_SECONDS):
        return await all_events(await worker.assistant.start(request, caller()))


def contents(chat: ChatRequest) -> list[str]:
    return [message.content for message in chat.messages]


@pytest.mark.requirement("compaction.summary")
async def test_older_turns_become_a_summary_before_the_answer_begins(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 5)
    engine.will(
        says("They spoke of words.", usage=TokenUsage(input_tokens=100, output_tokens=10)),
        says("fine", usage=TokenUsage(input_tokens=20, output_tokens=3)),
    )

    events = await go_on(worker, conversation_id)

    kinds = [TurnStarted, ConversationCompacted, TextDelta, TurnCompleted]
    assert [type(event) for event in events] == kinds
    asked, answered_with = engine.chats
    quoted = asked.messages[-1].content
    assert all(f"User: {number} word" in quoted for number in range(3))
    assert "3 word" not in quoted
    prompt = contents(answered_with)
    assert prompt[0] == "Be brief."
    assert prompt[1].endswith("They spoke of words.")
    assert [text[:1] for text in prompt[3::2]] == ["3", "4", "n"]
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert last.turn.usage == TokenUsage(input_tokens=120, output_tokens=13)
    assert len(await store.history(conversation_id)) == 6


@pytest.mark.requirement("compaction.summary")
async def test_a_summary_serves_later_turns_and_is_extended_by_them(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 5)
    engine.will(says("First summary."), says("a"))
    await go_on(worker, conversation_id)
    engine.chats.clear()

    await go_on(worker, conversation_id, "short")
    (reused,) = engine.chats
    assert "First summary." in contents(reused)[1]

    for number in (5, 6, 7):
        await answered(store, a_turn(conversation_id, question=f"{number} {LONG}"), is_new=False)
    engine.will(says("Second summary."), says("b"))
    engine.chats.clear()
    await go_on(worker, conversation_id)

    extended, answer = engine.chats
    assert "First summary." in extended.messages[-1].content
    assert "User: 3 word" in extended.messages[-1].content
    assert "User: 0 word" not in extended.messages[-1].content
    assert "Second summary." in contents(answer)[1]
    stored = await store.find_summary(conversation_id)
    assert stored is not None
    assert stored.text == "Second summary."


async def test_of_turns_that_are_too_long_for_one_call_the_oldest_are_left_out_of_it(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 8)
    engine.will(says("A summary."), says("fine"))

    await go_on(worker, conversation_id)

    quoted = engine.chats[0].messages[-1].content
    is_quoted = [f"User: {number} word" in quoted for number in range(8)]
    assert is_quoted == [False, False, True, True, True, True, False, False]
    assert not quoted.startswith(f"User: 2 {LONG}")


@pytest.mark.requirement("compaction.failure")
@pytest.mark.parametrize(
    "outcome",
    [
        refuses(EngineUnavailable("gone")),
        refuses(PromptTooLong("m")),
        breaks(EngineUnavailable("gone"), "half a"),
        says("  "),
        [asyncio.Event()],
    ],
    ids=["refused", "too long", "broken", "empty", "silent"],
)
async def test_without_a_summary_the_older_turns_are_left_out_with_a_warning(
    engine: ScriptedEngine, store: MemoryConversationStore, outcome: list[Step]
) -> None:
    conversation_id = await conversation_of(store, 5)
    engine.will(outcome, says("fine"))
    hasty = replace(SETTINGS, seconds=0.1)
    async with wired_assistant(engine, store, settings=settings(hasty)) as worker:
        events = await go_on(worker, conversation_id)

    (warning,) = [event.warning for event in events if isinstance(event, Warned)]
    assert warning.code == "compaction_failed"
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert (last.turn.state, last.turn.text) == (TurnState.COMPLETED, "fine")
    assert [text[:1] for text in contents(engine.chats[-1])[1::2]] == ["3", "4", "n"]
    assert await store.find_summary(conversation_id) is None


async def test_a_turn_can_be_stopped_while_its_conversation_is_summarised(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 5)
    engine.will([asyncio.Event()])
    request = TurnRequest(query="next", conversation_id=conversation_id)
    source = await worker.assistant.start(request, caller())

    await worker.assistant.interrupt(source.turn_id, caller())

    assert isinstance((await all_events(source))[-1], TurnInterrupted)
    assert engine.ended == len(engine.chats) == 1


@pytest.mark.parametrize(
    ("changes", "is_summarised"),
    [
        ({}, True),
        ({"token_floor": 5000}, False),
        ({"context_windows": {DEFAULT_MODEL: 8000}}, False),
        ({"context_windows": {}}, False),
        ({"threshold_ratio": 0.0, "context_windows": {}}, True),
        ({"buffer_turns": 9, "buffer_max_ratio": 1.0}, False),
        ({"buffer_turns": 9, "buffer_max_ratio": 0.2}, True),
    ],
    ids=["due", "floor", "window", "default", "ratio", "buffer", "buffer's share"],
)
async def test_a_summary_is_written_when_the_settings_ask_for_it(
    engine: ScriptedEngine,
    store: MemoryConversationStore,
    changes: dict[str, Any],
    is_summarised: bool,
) -> None:
    conversation_id = await conversation_of(store, 5)
    changed = replace(SETTINGS, **changes)
    async with wired_assistant(engine, store, settings=settings(changed)) as worker:
        events = await go_on(worker, conversation_id)

    assert any(isinstance(event, ConversationCompacted) for event in events) == is_summarised
    assert (await store.find_summary(conversation_id) is not None) == is_summarised


@pytest.mark.parametrize(
    ("metadata", "is_summarised"),
    [
        ({"context_length": 800}, True),
        ({"max_model_len": 800}, True),
        ({"context_length": "800"}, False),
        ({"context_length": 800, "extractive": True}, False),
    ],
)
async def test_the_models_metadata_tells_its_window_and_whether_it_writes(
    engine: ScriptedEngine,
    store: MemoryConversationStore,
    metadata: dict[str, object],
    is_summarised: bool,
) -> None:
    engine.model_list[0] = replace(engine.model_list[0], metadata=metadata)
    conversation_id = await conversation_of(store, 5)
    unconfigured = replace(SETTINGS, context_windows={})
    async with wired_assistant(engine, store, settings=settings(unconfigured)) as worker:
        events = await go_on(worker, conversation_id)

    assert any(isinstance(event, ConversationCompacted) for event in events) == is_summarised


async def test_a_prompt_that_is_still_too_long_loses_its_older_turns_and_the_summary_last(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 5)
    engine.will(says("A summary."), *[refuses(PromptTooLong("m"))] * 3, says("fine"))

    events = await go_on(worker, conversation_id)

    assert sum(isinstance(event, ConversationCompacted) for event in events) == 1
    lengths = [len(chat.messages) for chat in engine.chats[1:]]
    assert lengths == [8, 6, 4, 2]


async def test_a_conversation_without_compaction_is_sent_whole(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    conversation_id = await conversation_of(store, 5)
    async with wired_assistant(engine, store, settings=settings(None)) as worker:
        events = await go_on(worker, conversation_id)

    assert [type(event) for event in events[:2]] == [TurnStarted, TextDelta]
    assert len(engine.chats[0].messages) == 12
