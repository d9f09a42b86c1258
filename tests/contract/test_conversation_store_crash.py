import asyncio
import sqlite3
import subprocess
import sys
from asyncio.subprocess import Process
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.conversations.leasing import utc_now
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import TurnState
from tests.support.conversation_writer import BATCHES
from tests.support.databases import spell


async def start_writer(settings: DatabaseSettings, writers: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.conversation_writer",
        spell(settings),
        str(writers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def committed_turns(process: Process, count: int) -> list[str]:
    """Read the ids of committed turns until there are so many."""
    assert process.stdout is not None
    ids: list[str] = []
    async with asyncio.timeout(60):
        while len(ids) < count:
            line = await process.stdout.readline()
            assert line, (await process.communicate())[1].decode()
            ids.append(line.decode().strip())
    return ids


async def kill(process: Process) -> list[str]:
    """Kill -9 and return what was still said; an unfinished line was not said."""
    process.kill()
    assert process.stdout is not None
    rest = await process.stdout.read()
    await process.wait()
    return [line.decode() for line in rest.split(b"\n")[:-1]]


def check_file(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.requirement("store.crash")
@pytest.mark.parametrize("turns_before", [1, 40, 133])
async def test_a_killed_writer_leaves_every_turn_whole_or_open_to_be_settled(
    database_settings: DatabaseSettings, turns_before: int
) -> None:
    process = await start_writer(database_settings, writers=8)
    committed = await committed_turns(process, turns_before)
    committed += await kill(process)

    if isinstance(database_settings, SqliteSettings):
        check_file(database_settings.path)
    long_after = utc_now() + timedelta(minutes=1)
    database = Database(database_settings)
    async with SqlConversationStore(database, clock=lambda: long_after) as store:
        for turn_id in committed:
            turn = await store.find_turn(turn_id)
            assert turn is not None
            assert turn.state is TurnState.COMPLETED
            assert len(await store.journal(turn_id)) == BATCHES
        open_turns = await store.claim_expired()
        for expired in open_turns:
            indexes = [batch.index for batch in expired.journal]
            assert indexes == list(range(len(indexes)))
            settled = replace(expired.turn, state=TurnState.INTERRUPTED)
            await store.finish(settled, None)
        for conversation in await store.list(None):
            history = await store.history(conversation.conversation_id)
            assert len(history) == conversation.message_count
            assert [turn.question for turn in history] == [
                f"question {number}" for number in range(len(history))
            ]
    assert len(open_turns) <= 8


@pytest.mark.requirement("store.crash")
async def test_processes_that_write_to_one_database_lose_nothing(
    database_settings: DatabaseSettings,
) -> None:
    processes = [await start_writer(database_settings, writers=4) for _ in range(3)]
    committed: list[str] = []
    for process in processes:
        committed += await committed_turns(process, 60)
    for process in processes:
        committed += await kill(process)

    async with SqlConversationStore(Database(database_settings)) as store:
        histories = [await store.history(c.conversation_id) for c in await store.list(None)]

    stored = {
        turn.turn_id
        for history in histories
        for turn in history
        if turn.state is TurnState.COMPLETED
    }
    assert set(committed) <= stored
    assert len(histories) == 12
