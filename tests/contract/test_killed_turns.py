"""Turns whose process is killed at each of its writes, one after another."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.conversations.leasing import utc_now
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.messages import Role
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.transcripts import Transcripts
from tests.contract.test_conversation_store_crash import check_file
from tests.support.assistants import Wired, caller, wired_assistant
from tests.support.databases import spell
from tests.support.kept_turns import Kept, Told, check_kept, check_started, read_kept
from tests.support.kill_points import Moment, moments_of
from tests.support.killed_turns import LONG, LOOKING, PATIENT, RECOVERY, SHAPES, WARM, Run
from tests.support.scripted_engine import ScriptedEngine, says
from tests.support.scripted_tools import ScriptedTools

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9
# How far into a write a process is killed in its midst, in seconds; they take turns.
PAUSES = (0.0, 0.0001, 0.0003, 0.001)
JOURNAL = "INSERT INTO lcs_journal"
# Longer than any lease.
LONG_AFTER = 60.0
AT_LEAST = 150


@dataclass
class Series:
    """Runs over one database, one after another; `ahead` is how late it is for the next."""

    process: subprocess.Popen[str]
    settings: DatabaseSettings
    folder: Path
    told: Told = field(default_factory=Told)
    ahead: float = 0.0
    runs: int = 0
    killed: int = 0
    gone_on: set[str] = field(default_factory=set[str])
    states: set[str] = field(default_factory=set[str])
    _pauses: "cycle[float]" = field(default_factory=lambda: cycle(PAUSES))

    @property
    def is_shared(self) -> bool:
        return not isinstance(self.settings, SqliteSettings)

    @property
    def transcripts(self) -> Path:
        return self.folder / "transcripts"

    def run(
        self, shape: str, *, kill_at: int | None = None, moment: Moment = Moment.BEFORE
    ) -> list[str]:
        """Run a child, and return the writes of one that was not killed."""
        told = self.folder / f"told-{self.runs}"
        run = Run(
            shape=shape,
            database=spell(self.settings),
            folder=str(self.transcripts),
            told=str(told),
            seconds_ahead=self.ahead,
            kill_at=kill_at,
            moment=moment,
            pause=next(self._pauses),
        )
        status = self._status_of(run)
        self.runs += 1
        self.told.read(told)
        if status == KILLED:
            self.killed += 1
            return []
        assert status == 0, run
        return json.loads(told.read_text().splitlines()[-1])["writes"]

    def _status_of(self, run: Run) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(run)) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def series_over(settings: DatabaseSettings, folder: Path) -> Generator[Series]:
    command = [sys.executable, "-m", "tests.support.killed_turns"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Series(process, settings, folder)


def kill_at_each_write(series: Series, shape: str) -> None:
    for index, name in enumerate(series.run(shape)):
        for moment in moments_of(name):
            series.run(shape, kill_at=index, moment=moment)


def kill_who_settles_for_the_dead(series: Series) -> None:
    """Kill at each write of a worker that finds a turn of a dead one, and then of those two."""
    in_mid_turn = series.run(LONG.__name__).index(JOURNAL) + 2

    def leave_one_behind() -> None:
        series.run(LONG.__name__, kill_at=in_mid_turn)
        series.ahead += LONG_AFTER

    leave_one_behind()
    for index, name in enumerate(series.run(RECOVERY.__name__)):
        for moment in moments_of(name):
            leave_one_behind()
            series.run(RECOVERY.__name__, kill_at=index, moment=moment)


async def settle_and_check(series: Series) -> None:
    """Do what the next worker does, look at everything, and go on with every conversation."""
    series.ahead += LONG_AFTER
    late = timedelta(seconds=series.ahead)
    database = Database(series.settings)
    store = SqlConversationStore(database, clock=lambda: utc_now() + late)
    transcripts = Transcripts(series.transcripts, JsonFiles(lambda: None))
    engine = ScriptedEngine()
    tools = ScriptedTools()
    wiring = wired_assistant(engine, store, transcripts=transcripts, tools=tools, settings=PATIENT)
    async with store, wiring as worker:
        await worker.keeper.recover()
        await allow_all(worker, engine)
        series.told.used += [(call.name, call.arguments["room"]) for call in tools.called]
        kept = await read_kept(database, store, series.transcripts)
        check_kept(kept, series.told)
        series.states |= {turn.state for turn in kept.read.values()}
        if series.is_shared:
            check_started(kept, series.told)
        for row in kept.conversations:
            if row["conversation_id"] not in series.gone_on:
                await go_on(worker, engine, kept, row["conversation_id"], series.told)
                series.gone_on.add(row["conversation_id"])


async def allow_all(worker: Wired, engine: ScriptedEngine) -> None:
    """Allow what the turns wish to do that still wait; each goes on to its end."""
    for approval in await worker.assistant.approvals(caller()):
        engine.will(says(*WARM))
        answering = Answering(approval_id=approval.approval_id, answer=Answer(approve=True))
        await worker.assistant.answer(answering, caller())
        turn = await outcome_of(await worker.assistant.resume(approval.turn_id, caller()))
        assert (turn.state, turn.text) == (TurnState.COMPLETED, LOOKING + "".join(WARM))


async def go_on(
    worker: Wired, engine: ScriptedEngine, kept: Kept, conversation_id: str, told: Told
) -> None:
    earlier = [
        turn.question
        for turn in kept.read.values()
        if turn.conversation_id == conversation_id and turn.text
    ]
    question = f"and then {uuid4()}"
    told.answers[question] = f"echo: {question}"
    request = TurnRequest(query=question, conversation_id=conversation_id)
    turn = await outcome_of(await worker.assistant.start(request, caller()))

    assert turn.state is TurnState.COMPLETED
    assert turn.recorded
    messages = engine.chats[-1].messages
    assert [m.content for m in messages if m.role is Role.USER] == [*earlier, question]


@contextmanager
def noting(shape: str) -> Generator[None]:
    try:
        yield
    except Exception as error:
        error.add_note(f"in: {shape}")
        raise


@pytest.mark.requirement("transcript.killed")
@pytest.mark.requirement("store.killed")
async def test_a_turn_killed_at_any_of_its_writes_is_whole_or_marked_interrupted(
    database_settings: DatabaseSettings, tmp_path: Path
) -> None:
    async with SqlConversationStore(Database(database_settings)):
        pass
    with series_over(database_settings, tmp_path) as series:
        for shape in SHAPES:
            with noting(shape):
                if shape == RECOVERY.__name__:
                    kill_who_settles_for_the_dead(series)
                else:
                    kill_at_each_write(series, shape)
                await settle_and_check(series)
        await settle_and_check(series)

    if isinstance(database_settings, SqliteSettings):
        check_file(database_settings.path)
    assert series.killed >= AT_LEAST
    assert series.states == {TurnState.COMPLETED, TurnState.INTERRUPTED, TurnState.FAILED}
