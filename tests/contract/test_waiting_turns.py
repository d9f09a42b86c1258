"""Turns that wait for their user, on real databases: over workers, restarts and lost readers."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.live import EventSource, outcome_of
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.metadata import METADATA
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.turn import TurnState
from tests.support.assistants import WAIT_SECONDS, Wired, caller, wired_assistant
from tests.support.databases import eventually, spell
from tests.support.scripted_engine import ScriptedEngine, calls, says
from tests.support.scripted_tools import ScriptedTools
from tests.support.waiting_turn import ASKING, SECRET, TEXT, WISHES

ROOT = Path(__file__).resolve().parents[2]
ANSWER = ("It ", "is ", "warm.")


@dataclass
class Worker:
    """A worker of a service over a database."""

    wired: Wired
    store: SqlConversationStore
    tools: ScriptedTools

    async def approve(self) -> Approval:
        """Allow the one call that waits."""
        (approval,) = await eventually(lambda: self.wired.assistant.approvals(caller()))
        answering = Answering(approval_id=approval.approval_id, answer=Answer(approve=True))
        return (await self.wired.assistant.answer(answering, caller())).approval


@asynccontextmanager
async def a_worker(settings: DatabaseSettings, engine: ScriptedEngine) -> AsyncGenerator[Worker]:
    tools = ScriptedTools()
    async with (
        SqlConversationStore(Database(settings), is_shared=True) as store,
        wired_assistant(engine, store, tools=tools) as wired,
    ):
        yield Worker(wired, store, tools)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def workers(
    database_settings: DatabaseSettings, engine: ScriptedEngine
) -> AsyncIterator[list[Worker]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(a_worker(database_settings, engine)) for _ in range(3)
        ]


async def read(source: EventSource, *, after: int = -1) -> bytes:
    """Return the frames of a stream to its end, as its client gets them."""
    renderer, frames = JsonFrames(after=after), bytearray()
    async with asyncio.timeout(WAIT_SECONDS):
        async for events in source.events():
            frames += renderer.render(events)
    return bytes(frames)


def numbers(frames: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"^id: (\d+)$", frames, re.MULTILINE)]


@pytest.mark.requirement("approvals.streams")
async def test_every_reader_on_every_worker_gets_the_same_numbered_frames(
    workers: list[Worker], engine: ScriptedEngine
) -> None:
    engine.will(calls(*WISHES, text=TEXT), says(*ANSWER))
    asked, answers, reads = workers
    source = await asked.wired.assistant.start(ASKING, caller())
    async with asyncio.TaskGroup() as group:
        open_stream = group.create_task(read(source))
        turn = await outcome_of(source)
        joined = await reads.wired.assistant.resume(turn.turn_id, caller())
        joined_while_waiting = group.create_task(read(joined))
        await answers.approve()

    whole = open_stream.result()
    assert numbers(whole) == list(range(len(numbers(whole))))
    assert joined_while_waiting.result() == whole
    assert whole.count(b'"event": "approval_required"') == 1
    assert whole.index(b"approval_required") < whole.index(b'"token": "It')
    frames = whole.split(b"\n\n")[:-1]
    for worker in workers:
        for after in range(-1, len(frames) - 1):
            resumed = await worker.wired.assistant.resume(turn.turn_id, caller())
            rest = b"".join(frame + b"\n\n" for frame in frames[after + 1 :])
            assert await read(resumed, after=after) == rest


@pytest.mark.requirement("approvals.streams")
async def test_who_leaves_at_any_event_before_the_answer_finds_the_rest_after_it(
    workers: list[Worker], engine: ScriptedEngine
) -> None:
    asked, answers, reads = workers
    for left_after in range(6):
        engine.will(calls(*WISHES, text=TEXT), says(*ANSWER))
        source = await asked.wired.assistant.start(ASKING, caller())
        seen = 0
        async with asyncio.timeout(WAIT_SECONDS):
            async for events in source.events():
                seen += len(events)
                if seen > left_after:
                    break
        asked.wired.assistant.abandon(source.turn_id)

        await answers.approve()

        again = await reads.wired.assistant.resume(source.turn_id, caller())
        frames = await read(again)
        assert b'"token": "Let me see. It is warm."' in frames
        turn = await reads.store.find_turn(source.turn_id)
        assert turn is not None
        assert (turn.state, turn.usage.output_tokens) == (TurnState.COMPLETED, 3 + len(ANSWER))
        assert len(await reads.store.history(turn.conversation_id)) == 1


@pytest.mark.requirement("approvals.restart")
async def test_a_turn_whose_process_was_killed_goes_on_where_it_is_answered(
    database_settings: DatabaseSettings, engine: ScriptedEngine
) -> None:
    command = [sys.executable, "-m", "tests.support.waiting_turn", spell(database_settings)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        turn_id = (await process.stdout.readline()).decode().strip()
    process.kill()
    await process.wait()

    engine.will(says(*ANSWER))
    async with a_worker(database_settings, engine) as worker:
        await worker.wired.keeper.recover()
        waiting = await worker.store.find_turn(turn_id)
        assert waiting is not None
        assert waiting.state is TurnState.AWAITING_APPROVAL
        await worker.approve()
        turn = await outcome_of(await worker.wired.assistant.resume(turn_id, caller()))

    assert (turn.state, turn.text) == (TurnState.COMPLETED, TEXT + "".join(ANSWER))
    assert [call.name for call in worker.tools.called] == ["heat"]
    (request,) = engine.chats
    said, read, heated = (message.content for message in request.messages[-3:])
    assert said == TEXT
    assert "\nread of room 1 is done\n" in read
    assert "\nheat of room 2 is done\n" in heated


@pytest.mark.requirement("approvals.restart")
async def test_nothing_of_the_askers_credentials_is_kept_with_a_waiting_turn(
    workers: list[Worker], engine: ScriptedEngine, database_settings: DatabaseSettings
) -> None:
    engine.will(calls(*WISHES, text=TEXT))
    await outcome_of(await workers[0].wired.assistant.start(ASKING, caller()))

    assert workers[0].tools.opened[0].request.mcp_headers
    assert SECRET not in await everything(database_settings)


async def everything(settings: DatabaseSettings) -> str:
    """Return all rows of all our tables as text."""
    tables = METADATA.sorted_tables

    def dump(connection: Connection) -> str:
        return repr([connection.execute(select(table)).all() for table in tables])

    async with Database(settings) as database:
        return await database.read(dump)
