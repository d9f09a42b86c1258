import asyncio
from dataclasses import replace

import pytest

from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.events import (
    ConversationCompacted,
    DocumentsRetrieved,
    Refused,
    TextDelta,
    TurnCompleted,
    TurnFailed,
    TurnInterrupted,
    TurnStarted,
    Warned,
)
from lightspeed_core.domain.messages import Role, TokenUsage
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import (
    Conflict,
    EngineFailed,
    EngineUnavailable,
    PromptTooLong,
    QuotaExceeded,
)
from tests.support.assistants import Wired, all_events, caller, text_of, wired_assistant
from tests.support.scripted_engine import ScriptedEngine, breaks, calls, refuses, says, store_info

SENTENCE = "The service listens on port 8080."


def add_documents(engine: ScriptedEngine) -> None:
    store = engine.add_store(store_info("docs"))
    document = SourceDocument(
        document_id="guide.md", text=SENTENCE, content_hash="h1", title="Guide", url="https://d/g"
    )
    chunk = Chunk(
        chunk_id="c1", document_id="guide.md", content=SENTENCE, start=0, end=len(SENTENCE)
    )
    store.insert(document, [chunk])


async def test_a_question_becomes_started_tokens_completed(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(says("Hel", "lo", usage=TokenUsage(input_tokens=3, output_tokens=2)))
    source = await worker.assistant.start(TurnRequest(query="Say hello"), caller())

    events = await all_events(source)

    assert isinstance(events[0], TurnStarted)
    assert [type(event) for event in events[1:-1]] == [TextDelta, TextDelta]
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert last.turn.text == "Hello" == text_of(events)
    assert last.turn.usage == TokenUsage(input_tokens=3, output_tokens=2)
    assert last.turn.recorded


async def test_a_completed_turn_can_be_read_back_at_once(
    worker: Wired, store: MemoryConversationStore
) -> None:
    source = await worker.assistant.start(TurnRequest(query="one"), caller())
    turn = await outcome_of(source)

    (stored,) = await store.history(turn.conversation_id)

    assert stored == turn
    assert stored.state is TurnState.COMPLETED


async def test_the_model_is_sent_the_earlier_turns_in_order(
    engine: ScriptedEngine, worker: Wired
) -> None:
    first = await outcome_of(await worker.assistant.start(TurnRequest(query="one"), caller()))
    again = TurnRequest(query="two", conversation_id=first.conversation_id)
    await outcome_of(await worker.assistant.start(again, caller()))

    request = next(chat for chat in engine.chats if chat.messages[-1].content == "two")

    assert [message.role for message in request.messages] == [
        Role.SYSTEM,
        Role.USER,
        Role.ASSISTANT,
        Role.USER,
    ]
    assert [message.content for message in request.messages[1:]] == ["one", first.text, "two"]


async def test_what_the_model_refuses_before_it_accepts_is_raised_and_leaves_nothing(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will(refuses(QuotaExceeded.of_model("m", retry_after=3)))

    with pytest.raises(QuotaExceeded) as caught:
        await worker.assistant.start(TurnRequest(query="one"), caller())

    assert caught.value.retry_after == 3
    assert await store.list("ann") == []


async def test_a_refused_turn_of_a_conversation_frees_it_for_the_next(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    silent = TurnRequest(query="one", generate_topic_summary=False)
    first = await outcome_of(await worker.assistant.start(silent, caller()))
    engine.will(refuses(EngineUnavailable("connection refused")))
    again = TurnRequest(query="two", conversation_id=first.conversation_id)
    with pytest.raises(EngineUnavailable):
        await worker.assistant.start(again, caller())

    turn = await outcome_of(await worker.assistant.start(again, caller()))

    assert turn.state is TurnState.COMPLETED
    states = [stored.state for stored in await store.history(first.conversation_id)]
    assert states == [TurnState.COMPLETED, TurnState.FAILED, TurnState.COMPLETED]


async def test_a_model_that_breaks_in_mid_answer_fails_the_turn_and_keeps_its_text(
    engine: ScriptedEngine, worker: Wired, store: MemoryConversationStore
) -> None:
    engine.will(breaks(EngineFailed("connection cut"), "half an"))
    source = await worker.assistant.start(TurnRequest(query="one"), caller())

    events = await all_events(source)

    last = events[-1]
    assert isinstance(last, TurnFailed)
    assert last.error.cause == "connection cut"
    (stored,) = await store.history(last.turn.conversation_id)
    assert (stored.state, stored.text) == (TurnState.FAILED, "half an")
    with pytest.raises(EngineFailed, match="connection cut"):
        await outcome_of(source)


async def test_an_unexpected_exception_fails_its_turn_and_no_other(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(breaks(RuntimeError("a bug"), "x"), says("fine"))
    broken = await worker.assistant.start(TurnRequest(query="one"), caller())
    assert isinstance((await all_events(broken))[-1], TurnFailed)

    turn = await outcome_of(await worker.assistant.start(TurnRequest(query="two"), caller()))

    assert turn.text == "fine"


async def test_retrieved_chunks_stand_before_the_text_and_citations_are_kept(
    engine: ScriptedEngine, worker: Wired
) -> None:
    add_documents(engine)
    engine.will(says("The service listens", " on port 8080 [1]", "."))
    source = await worker.assistant.start(TurnRequest(query="which port?"), caller())

    events = await all_events(source)

    assert isinstance(events[1], DocumentsRetrieved)
    turn = await outcome_of(source)
    (citation,) = turn.citations
    assert (citation.marker, citation.quote) == ("1", SENTENCE) or citation.marker == "[1]"
    assert SENTENCE[citation.start : citation.end] == citation.quote
    assert [document.doc_url for document in turn.referenced_documents] == ["https://d/g"]


async def test_no_tools_asks_no_store(engine: ScriptedEngine, worker: Wired) -> None:
    add_documents(engine)

    await outcome_of(
        await worker.assistant.start(TurnRequest(query="which port?", no_tools=True), caller())
    )

    assert engine.searches == []


async def test_the_passages_travel_in_a_message_of_their_own_before_the_question(
    engine: ScriptedEngine, worker: Wired
) -> None:
    add_documents(engine)
    await outcome_of(await worker.assistant.start(TurnRequest(query="which port?"), caller()))

    system, passages, question = engine.chats[0].messages

    nonce = system.content.rpartition("Passages are fenced by: ")[2]
    assert passages.content.startswith(f"<passages {nonce}>\n<passage {nonce} [1]> Guide")
    assert question.content == "which port?"


async def test_a_store_that_fails_beside_another_costs_a_warning(
    engine: ScriptedEngine, worker: Wired
) -> None:
    add_documents(engine)
    engine.add_store(store_info("broken")).error = EngineFailed("the index is gone")

    events = await all_events(
        await worker.assistant.start(TurnRequest(query="which port?"), caller())
    )

    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert warned.warning.message == "Vector store broken could not be searched: the index is gone"
    last = events[-1]
    assert isinstance(last, TurnCompleted)
    assert last.turn.warnings == (warned.warning,)
    assert [chunk.document_id for chunk in last.turn.rag_chunks] == ["guide.md"]


@pytest.mark.requirement("shield.answer")
async def test_an_input_shield_answers_in_place_of_the_model(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.add_shield("input_words", "bomb", text="No.")
    source = await worker.assistant.start(TurnRequest(query="a bomb"), caller())

    events = await all_events(source)

    assert events[1] == Refused("input_words", "No.")
    assert engine.chats == []
    turn = await outcome_of(source)
    assert (turn.text, turn.refused_by) == ("No.", "input_words")


@pytest.mark.requirement("shield.answer")
async def test_an_output_shield_lets_no_unchecked_text_out(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.add_shield("output_words", "secret", text="No.")
    engine.will(says("the ", "secret"))
    source = await worker.assistant.start(TurnRequest(query="tell"), caller())

    events = await all_events(source)

    assert text_of(events) == ""
    assert (await outcome_of(source)).text == "No."


async def test_an_output_shield_that_passes_changes_nothing(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.add_shield("inout_words", "secret")
    engine.will(says("all ", "fine"))
    source = await worker.assistant.start(TurnRequest(query="tell"), caller())

    assert text_of(await all_events(source)) == "all fine"


async def test_shield_ids_choose_among_the_listed(engine: ScriptedEngine, worker: Wired) -> None:
    engine.add_shield("words", "bomb")
    request = TurnRequest(query="a bomb", shield_ids=())

    turn = await outcome_of(await worker.assistant.start(request, caller()))

    assert turn.refused_by is None


@pytest.mark.requirement("turn.full-context")
async def test_the_older_half_of_a_history_is_left_out_while_the_prompt_is_too_long(
    engine: ScriptedEngine, worker: Wired
) -> None:
    silent = TurnRequest(query="one", generate_topic_summary=False)
    first = await outcome_of(await worker.assistant.start(silent, caller()))
    again = TurnRequest(query="two", conversation_id=first.conversation_id)
    await outcome_of(await worker.assistant.start(again, caller()))
    engine.will(refuses(PromptTooLong("m")), says("short"))
    last = replace(again, query="three")
    source = await worker.assistant.start(last, caller())

    events = await all_events(source)

    assert isinstance(events[1], ConversationCompacted)
    asked = [message.content for message in engine.chats[-1].messages if message.role is Role.USER]
    assert asked == ["two", "three"]
    assert (await outcome_of(source)).text == "short"


async def test_a_conversation_is_said_to_be_compacted_once(
    engine: ScriptedEngine, worker: Wired
) -> None:
    silent = TurnRequest(query="1", generate_topic_summary=False)
    first = await outcome_of(await worker.assistant.start(silent, caller()))
    again = replace(silent, conversation_id=first.conversation_id)
    await outcome_of(await worker.assistant.start(again, caller()))
    engine.will(*[refuses(PromptTooLong("m"))] * 2, says("short"))

    events = await all_events(await worker.assistant.start(again, caller()))

    assert sum(isinstance(event, ConversationCompacted) for event in events) == 1
    assert text_of(events) == "short"


async def test_a_question_that_alone_is_too_long_is_refused(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(refuses(PromptTooLong("m")))

    with pytest.raises(PromptTooLong):
        await worker.assistant.start(TurnRequest(query="one"), caller())


@pytest.mark.requirement("turn.full-context")
async def test_passages_that_do_not_fit_beside_the_question_are_left_out_with_a_warning(
    engine: ScriptedEngine, worker: Wired
) -> None:
    add_documents(engine)
    engine.will(refuses(PromptTooLong("m")), says("short [1]"))
    request = TurnRequest(query="Which port?", generate_topic_summary=False)

    turn = await outcome_of(await worker.assistant.start(request, caller()))

    assert [len(chat.messages) for chat in engine.chats] == [3, 2]
    assert [warning.code for warning in turn.warnings] == ["passages_left_out"]
    assert (turn.rag_chunks, turn.referenced_documents) == ((), ())


@pytest.mark.requirement("turn.wait")
async def test_a_turn_that_waits_too_long_for_its_predecessor_is_refused(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", turn_wait=0.05)
    gate = asyncio.Event()
    async with wired_assistant(engine, store, settings=settings) as worker:
        silent = TurnRequest(query="1", generate_topic_summary=False)
        first = await outcome_of(await worker.assistant.start(silent, caller()))
        again = TurnRequest(query="2", conversation_id=first.conversation_id)
        engine.will([*says("a")[:1], gate])
        running = await worker.assistant.start(again, caller())

        with pytest.raises(Conflict):
            await worker.assistant.start(again, caller())

        gate.set()
        await outcome_of(running)


async def test_ten_seconds_without_an_answer_start_the_turn(
    engine: ScriptedEngine, store: MemoryConversationStore
) -> None:
    settings = AssistantSettings(system_prompt="", start_within=0.02)
    gate = asyncio.Event()
    engine.will([gate, *says("late")])
    async with wired_assistant(engine, store, settings=settings) as worker:
        source = await worker.assistant.start(TurnRequest(query="one"), caller())
        gate.set()
        events = await all_events(source)

    assert sum(isinstance(event, TurnStarted) for event in events) == 1
    assert text_of(events) == "late"


@pytest.mark.parametrize("shield", ["input_words", "output_words", "inout_words"])
@pytest.mark.parametrize("has_documents", [False, True])
async def test_stopping_a_turn_ends_the_call_of_the_model_through_every_stage(
    engine: ScriptedEngine, worker: Wired, shield: str, has_documents: bool
) -> None:
    if has_documents:
        add_documents(engine)
    engine.add_shield(shield, "bomb")
    reached = asyncio.Event()
    engine.will([ChatDelta(tokens=("which port?",)), reached, asyncio.Event()])
    source = await worker.assistant.start(TurnRequest(query="which port?"), caller())
    reached.set()

    await worker.assistant.interrupt(source.turn_id, caller())
    events = await all_events(source)

    assert isinstance(events[-1], TurnInterrupted)
    assert engine.ended == len(engine.chats) == 1


async def test_a_shield_that_refuses_what_is_said_beside_a_call_ends_the_turn_before_it(
    engine: ScriptedEngine, worker: Wired
) -> None:
    engine.add_shield("output_words", "secret", text="No.")
    engine.will(calls(ToolCall(id="c", name="read", arguments={}), text="a secret"))
    request = TurnRequest(query="tell", generate_topic_summary=False)

    turn = await outcome_of(await worker.assistant.start(request, caller()))

    assert (turn.text, turn.tool_calls) == ("No.", ())
    assert engine.ended == len(engine.chats) == 1
