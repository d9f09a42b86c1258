"""What is kept of a turn beside the conversation: its transcript."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, override

import pytest

from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.supervisor import StopReason
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.sql.reading import find_turn
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import EngineUnavailable, LightspeedError, StoreUnavailable
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.transcripts import Transcripts
from tests.support.assistants import WAIT_SECONDS, Wired, caller, text_has_come, wired_assistant
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_engine import ScriptedEngine, refuses, says


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
def failures() -> list[None]:
    return []


@pytest.fixture
async def worker(
    engine: ScriptedEngine, store: FaultyStore, tmp_path: Path, failures: list[None]
) -> AsyncIterator[Wired]:
    transcripts = Transcripts(tmp_path / "transcripts", JsonFiles(lambda: failures.append(None)))
    async with wired_assistant(engine, store, transcripts=transcripts) as wired:
        yield wired


def ask(query: str = "Why?", conversation_id: str | None = None) -> TurnRequest:
    return TurnRequest(query=query, conversation_id=conversation_id, generate_topic_summary=False)


async def answer(worker: Wired, request: TurnRequest) -> Turn:
    async with asyncio.timeout(WAIT_SECONDS):
        return await outcome_of(await worker.assistant.start(request, caller()))


def transcripts_in(tmp_path: Path) -> list[dict[str, Any]]:
    files = (tmp_path / "transcripts").rglob("*.json")
    return [json.loads(file.read_text()) for file in files]


async def test_the_transcript_is_there_before_the_answer_is_whole(
    worker: Wired, engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.will(says("Because", "."))
    turn = await answer(worker, ask())

    (transcript,) = transcripts_in(tmp_path)
    assert transcript["llm_response"] == "Because."
    assert transcript["metadata"]["conversation_id"] == turn.conversation_id


async def test_an_interrupted_turn_has_a_transcript_of_what_was_kept(
    worker: Wired, engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.will([ChatDelta(tokens=("Because",)), asyncio.Event()])
    source = await worker.assistant.start(ask(), caller())
    await text_has_come(source)

    await worker.assistant.interrupt(source.turn_id, caller())
    async with asyncio.timeout(WAIT_SECONDS):
        turn = await outcome_of(source)

    assert turn.state is TurnState.INTERRUPTED
    (transcript,) = transcripts_in(tmp_path)
    assert transcript["llm_response"] == "Because\n\n*Response stopped by the user.*"


async def test_a_refused_question_leaves_no_transcript(
    worker: Wired, engine: ScriptedEngine, tmp_path: Path
) -> None:
    first = await answer(worker, ask())
    engine.will(refuses(EngineUnavailable("gone")))

    with pytest.raises(LightspeedError):
        await answer(worker, ask("Again?", first.conversation_id))

    assert [each["redacted_query"] for each in transcripts_in(tmp_path)] == ["Why?"]


async def test_a_disk_that_fails_costs_the_transcript_and_not_the_answer(
    worker: Wired, tmp_path: Path, failures: list[None]
) -> None:
    (tmp_path / "transcripts").write_text("a file where a directory should be")

    turn = await answer(worker, ask())

    assert (turn.state, turn.recorded) == (TurnState.COMPLETED, True)
    assert len(failures) == 1
    assert worker.failures == []


async def test_a_database_that_fails_costs_no_transcript(
    worker: Wired, store: FaultyStore, tmp_path: Path
) -> None:
    store.fail("finish", StoreUnavailable())

    turn = await answer(worker, ask())

    assert not turn.recorded
    assert len(transcripts_in(tmp_path)) == 1


async def test_a_transcript_is_written_after_the_turn_began_and_before_it_is_final(
    tmp_path: Path, engine: ScriptedEngine
) -> None:
    database = Database(SqliteSettings(path=tmp_path / "conversations.db"))
    store = SqlConversationStore(database)
    seen: list[Turn | None] = []

    class Watching(JsonFiles):
        @override
        async def write(self, path: Path, document: Mapping[str, Any]) -> None:
            seen.append(await database.read(partial(find_turn, turn_id=path.stem)))
            await super().write(path, document)

    transcripts = Transcripts(tmp_path / "transcripts", Watching(lambda: None))
    async with store, wired_assistant(engine, store, transcripts=transcripts) as worker:
        await answer(worker, ask())

    assert [turn and turn.state for turn in seen] == [TurnState.WAITING]


async def test_a_turn_that_another_worker_took_over_gets_no_transcript_from_this_one(
    worker: Wired, engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.will([ChatDelta(tokens=("Because",)), asyncio.Event()])
    source = await worker.assistant.start(ask(), caller())
    await text_has_come(source)

    worker.supervisor.stop(source.turn_id, StopReason.LEASE_LOST)
    async with asyncio.timeout(WAIT_SECONDS):
        await outcome_of(source)

    assert transcripts_in(tmp_path) == []


async def test_a_turn_of_a_deleted_conversation_leaves_no_transcript(
    worker: Wired, engine: ScriptedEngine, store: FaultyStore, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    engine.will([ChatDelta(tokens=("Because",)), gate, *says(".")])
    source = await worker.assistant.start(ask(), caller())
    turn = await store.find_turn(source.turn_id)
    assert turn is not None
    await store.delete(turn.conversation_id)

    gate.set()
    async with asyncio.timeout(WAIT_SECONDS):
        await outcome_of(source)

    assert transcripts_in(tmp_path) == []


async def test_a_transcript_goes_again_when_its_conversation_is_deleted_meanwhile(
    engine: ScriptedEngine, store: FaultyStore, tmp_path: Path
) -> None:
    class SlowTranscripts(Transcripts):
        """The deletion comes between the record and the file."""

        async def write(self, turn: Turn) -> None:
            await store.delete(turn.conversation_id)
            await super().write(turn)
            assert len(transcripts_in(tmp_path)) == 1

    transcripts = SlowTranscripts(tmp_path / "transcripts", JsonFiles(lambda: None))
    async with wired_assistant(engine, store, transcripts=transcripts) as worker:
        await answer(worker, ask())

    assert transcripts_in(tmp_path) == []


async def test_a_database_that_does_not_answer_afterwards_costs_no_transcript(
    worker: Wired, store: FaultyStore, tmp_path: Path
) -> None:
    store.fail("find", StoreUnavailable())

    turn = await answer(worker, ask())

    assert turn.recorded
    assert len(transcripts_in(tmp_path)) == 1
