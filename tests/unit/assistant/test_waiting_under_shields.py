"""Turns that wait for their user under shields: what is kept meanwhile, what guards the rest."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.live import EventSource, outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.events import TextDelta, ToolCallFinished, TurnCompleted, TurnEvent
from lightspeed_core.domain.turn import Turn
from tests.support.assistants import Wired, all_events, caller, wired_assistant
from tests.support.databases import a_turn, answered
from tests.support.scripted_engine import ScriptedEngine, calls, says
from tests.support.scripted_tools import HEAT, ScriptedTools, a_call, as_models_say
from tests.support.shields import blocking, replacing

pytestmark = pytest.mark.requirement("approvals.restart")

CANARY = "ada.lovelace@canary.example"
PLACEHOLDER = "[EMAIL_1]"
REDACTING = replacing("pii", CANARY, PLACEHOLDER, {PLACEHOLDER: CANARY})
GUARDING = blocking("output_words", "gunpowder", text="No.")
SETTINGS = AssistantSettings(system_prompt="Be brief.", shields=(REDACTING, GUARDING))


@pytest.fixture
async def file_store(tmp_path: Path) -> AsyncIterator[SqlConversationStore]:
    database = Database(SqliteSettings(path=tmp_path / "c.db"))
    async with SqlConversationStore(database, is_shared=True) as store:
        yield store


@pytest.fixture
async def worker(engine: ScriptedEngine, file_store: SqlConversationStore) -> AsyncIterator[Wired]:
    tools = ScriptedTools()
    async with wired_assistant(engine, file_store, settings=SETTINGS, tools=tools) as wired:
        yield wired


async def asked(worker: Wired, conversation_id: str) -> tuple[EventSource, Turn]:
    request = TurnRequest(query=f"Heat the room of {CANARY}", conversation_id=conversation_id)
    source = await worker.assistant.start(request, caller())
    return source, await outcome_of(source)


async def allow(worker: Wired, turn: Turn) -> None:
    approval_id = turn.approvals[0].approval_id
    answering = Answering(approval_id=approval_id, answer=Answer(approve=True))
    await worker.assistant.answer(answering, caller())


def written_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


async def test_what_was_taken_out_of_the_question_is_kept_sealed_while_it_waits(
    engine: ScriptedEngine, file_store: SqlConversationStore, worker: Wired, tmp_path: Path
) -> None:
    earlier = await answered(file_store, a_turn())
    engine.will(calls(*as_models_say(a_call(1, HEAT)), text="Well. "), says("Done, [EMA", "IL_1]."))

    source, turn = await asked(worker, earlier.conversation_id)

    assert turn.question == f"Heat the room of {PLACEHOLDER}"
    assert PLACEHOLDER.encode() in written_in(tmp_path)
    await allow(worker, turn)
    whole = await all_events(source)
    assert CANARY.encode() not in written_in(tmp_path)
    again = await all_events(await worker.assistant.resume(turn.turn_id, caller()))
    assert told(whole) == told(again)
    assert "".join(told(whole)) == f"Well. heat of room 1 is doneDone, {CANARY}."
    assert CANARY not in str(engine.chats[1].messages)


def told(events: list[TurnEvent]) -> list[str]:
    """Return texts and results in the order in which they were told."""
    said: list[str] = []
    for event in events:
        if isinstance(event, TextDelta):
            said.extend(event.tokens)
        elif isinstance(event, ToolCallFinished):
            said.append(event.result.content)
    return said


async def test_the_rest_of_the_answer_is_guarded_like_its_beginning(
    engine: ScriptedEngine, file_store: SqlConversationStore, worker: Wired
) -> None:
    earlier = await answered(file_store, a_turn())
    engine.will(calls(*as_models_say(a_call(1, HEAT))), says("Take ", "gunpowder."))
    source, turn = await asked(worker, earlier.conversation_id)

    await allow(worker, turn)

    last = (await all_events(source))[-1]
    assert isinstance(last, TurnCompleted)
    assert (last.turn.text, last.turn.refused_by) == ("No.", "output_words")


async def test_a_turn_whose_shield_is_gone_meanwhile_fails_and_says_why(
    engine: ScriptedEngine, file_store: SqlConversationStore, worker: Wired
) -> None:
    earlier = await answered(file_store, a_turn())
    engine.will(calls(*as_models_say(a_call(1, HEAT))), says("Unguarded."))
    _, turn = await asked(worker, earlier.conversation_id)
    unguarded = replace(SETTINGS, shields=(REDACTING,))

    async with wired_assistant(
        engine, file_store, settings=unguarded, tools=ScriptedTools()
    ) as other:
        await allow(other, turn)
        events = await all_events(await other.assistant.resume(turn.turn_id, caller()))

    assert told(events) == []
    ended = await file_store.find_turn(turn.turn_id)
    assert ended is not None
    assert ended.error is not None
    assert "output_words" in ended.error.cause
