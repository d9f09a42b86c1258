import asyncio
from dataclasses import replace

from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import EngineUnavailable
from tests.support.assistants import WAIT_SECONDS, Wired, caller, wired_assistant
from tests.support.scripted_engine import ScriptedEngine, refuses, says

QUESTION = "How do I change the port on which the service listens?"


async def topic_after(
    worker: Wired, store: MemoryConversationStore, request: TurnRequest
) -> str | None:
    turn = await outcome_of(await worker.assistant.start(request, caller()))
    return await topic_of(store, turn.conversation_id)


async def topic_of(store: MemoryConversationStore, conversation_id: str) -> str | None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            conversation = await store.find(conversation_id)
            assert conversation is not None
            if conversation.topic_summary is not None:
                return conversation.topic_summary
            await asyncio.sleep(0)


async def test_the_first_turn_names_its_conversation(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will(says("Edit the file."), says("Service", " Port.\n"))

    assert await topic_after(worker, store, TurnRequest(query=QUESTION)) == "Service Port"
    assert engine.chats[1].messages[-1].content == QUESTION


async def test_a_model_that_fails_leaves_the_first_words_of_the_question(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will(says("Edit the file."), refuses(EngineUnavailable("gone")))

    topic = await topic_after(worker, store, TurnRequest(query=QUESTION))

    assert topic == "How do I change the port on which"


async def test_a_model_that_only_quotes_is_not_asked(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.model_list = [replace(engine.model_list[0], metadata={"extractive": True})]

    topic = await topic_after(worker, store, TurnRequest(query=QUESTION))

    assert topic == "How do I change the port on which"
    assert len(engine.chats) == 1


async def test_a_request_may_do_without_a_topic(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    request = TurnRequest(query=QUESTION, generate_topic_summary=False)
    turn = await outcome_of(await worker.assistant.start(request, caller()))
    await worker.supervisor.drain()

    conversation = await store.find(turn.conversation_id)
    assert conversation is not None
    assert conversation.topic_summary is None
    assert len(engine.chats) == 1


async def test_nothing_that_happens_to_a_topic_reaches_the_service(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will(says("answer"), refuses(RuntimeError("a bug")))
    turn = await outcome_of(await worker.assistant.start(TurnRequest(query="one"), caller()))
    engine.will(says("another"))

    again = await outcome_of(await worker.assistant.start(TurnRequest(query="two"), caller()))

    assert again.text == "another"
    conversation = await store.find(turn.conversation_id)
    assert conversation is not None
    assert conversation.topic_summary is None


async def test_a_conversation_whose_first_turn_the_user_stopped_gets_a_topic_too(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will([ChatDelta(tokens=("a",)), asyncio.Event()], says("Stopped Topic"))
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    await worker.assistant.interrupt(source.turn_id, caller())
    turn = await outcome_of(source)

    assert await topic_of(store, turn.conversation_id) == "Stopped Topic"


async def test_a_name_that_the_user_gave_meanwhile_stays(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    gate = asyncio.Event()
    engine.will(says("Edit the file."), [ChatDelta(), gate, *says("Service Port")])
    async with wired_assistant(engine, store) as worker:
        turn = await outcome_of(await worker.assistant.start(TurnRequest(query="one"), caller()))
        await store.rename(turn.conversation_id, "Mine")
        gate.set()

    conversation = await store.find(turn.conversation_id)
    assert conversation is not None
    assert conversation.topic_summary == "Mine"
    assert len(engine.chats) == 2
