"""A process that forks a child for each line on stdin; a child runs turns, and may be killed.

Started as `python -m tests.support.killed_turns`. A line is a `Run` as JSON, its answer the exit
status of the child, negative for a signal. What a child told its client stands in the run's file
as JSON lines, up to the moment of its death.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.assistant.toolbox import ToolOutput
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.conversations.leasing import utc_now
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.domain.approvals import Approval
from lightspeed_core.domain.events import (
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnInterrupted,
    TurnStarted,
)
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.domain.tools import ToolCall
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.errors import EngineFailed, LightspeedError, PromptTooLong, QuotaExceeded
from lightspeed_core.user_data.files import JsonFiles
from lightspeed_core.user_data.transcripts import Transcripts
from tests.support.assistants import WAIT_SECONDS, Wired, caller, wired_assistant
from tests.support.databases import eventually, unspell
from tests.support.kept_turns import NAME
from tests.support.kill_points import Moment, WritePoints
from tests.support.scripted_engine import (
    ScriptedEngine,
    Step,
    breaks,
    calls,
    refuses,
    says,
    store_info,
)
from tests.support.scripted_tools import HEAT, READ, ScriptedTools, a_call, as_models_say

# A child that hangs ends itself, and fails its run.
CHILD_SECONDS: Final = 30
REFUSAL: Final = "This cannot be answered."
HELD: Final = ("one ", "two ", "three ")
DOCUMENT: Final = "A turn is whole or interrupted."
LOOKING: Final = "Let me see. "
WARM: Final = ("It ", "is warm.")
# The clock of the store runs ahead by hours in some runs, and nothing is to expire.
PATIENT: Final = AssistantSettings(
    system_prompt="Be brief.", drain=WAIT_SECONDS, approval_seconds=10_000_000
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one child does, and where it dies; without `kill_at` it ends by itself."""

    shape: str
    database: str
    folder: str
    told: str
    seconds_ahead: float = 0.0
    kill_at: int | None = None
    moment: str = Moment.BEFORE
    pause: float = 0.0


@dataclass(kw_only=True)
class Worker:
    """A worker of the service with a client of its own."""

    run: Run
    engine: ScriptedEngine
    store: SqlConversationStore
    tools: ScriptedTools
    wired: Wired
    points: WritePoints
    told: int

    def tell(self, **fields: object) -> None:
        """Note what the client knows now; it survives this process."""
        os.write(self.told, json.dumps(fields).encode() + b"\n")

    async def ask(
        self,
        conversation_id: str | None = None,
        *,
        word: str = "why",
        answer: str | None = None,
        topic: bool = False,
        meanwhile: Callable[[str], Awaitable[None]] | None = None,
    ) -> str:
        """Ask and read to the end; `meanwhile` is called with the turn's id once it began.

        `answer` is all that could be answered, an echo unless it is given. Returns the id of the
        conversation.
        """
        question = f"{word} {uuid4()}"
        whole = f"echo: {question}" if answer is None else answer
        self.tell(asked=question, answer=whole, conversation_id=conversation_id)
        request = TurnRequest(
            query=question, conversation_id=conversation_id, generate_topic_summary=topic
        )
        try:
            source = await self.wired.assistant.start(request, caller())
        except LightspeedError as error:
            self.tell(refused=question, code=error.code)
            return conversation_id or ""
        async with aclosing(source.events()) as batches:
            async for batch in batches:
                for event in batch:
                    self._tell_event(event)
                    if isinstance(event, TurnStarted):
                        conversation_id = event.conversation_id
                        if meanwhile is not None:
                            await meanwhile(event.turn_id)
        return conversation_id or ""

    async def journaled(self, turn_id: str) -> None:
        """Wait until some of a turn is in the journal."""
        await eventually(lambda: self.store.journal(turn_id))

    async def allow(self, turn_id: str) -> None:
        """Allow what a turn wishes to do, as soon as it asks."""

        async def asked() -> list[Approval]:
            listed = await self.wired.assistant.approvals(caller())
            return [approval for approval in listed if approval.turn_id == turn_id]

        (approval,) = await eventually(asked)
        answering = Answering(approval_id=approval.approval_id, answer=Answer(approve=True))
        await self.wired.assistant.answer(answering, caller())

    def _tell_event(self, event: TurnEvent) -> None:
        match event:
            case TurnStarted(conversation_id, turn_id):
                self.tell(started=turn_id, conversation_id=conversation_id)
            case TurnCompleted(turn) | TurnInterrupted(turn) | TurnFailed(turn):
                self.tell(ended=turn.turn_id, state=turn.state, text=turn.text)
                assert turn.recorded
            case _:
                pass


def held(gate: asyncio.Event) -> list[Step]:
    """Answer with two words, wait, and go on."""
    first, second, third = (ChatDelta(tokens=(word,)) for word in HELD)
    return [first, second, gate, third, *says()]


async def a_new_conversation(worker: Worker) -> None:
    worker.points.arm()
    await worker.ask(topic=True)


async def a_conversation_that_goes_on(worker: Worker) -> None:
    conversation_id = await worker.ask()
    worker.points.arm()
    await worker.ask(conversation_id)


async def documents_and_a_warning(worker: Worker) -> None:
    document = SourceDocument(
        document_id="guide.md", text=DOCUMENT, content_hash="1", title="Guide", url="https://d/g"
    )
    chunk = Chunk(
        chunk_id="1", document_id="guide.md", content=DOCUMENT, start=0, end=len(DOCUMENT)
    )
    worker.engine.add_store(store_info("docs")).insert(document, [chunk])
    worker.engine.add_store(store_info("broken")).error = EngineFailed("away")
    worker.points.arm()
    await worker.ask(word="whole turn")


async def an_answer_that_a_shield_refuses(worker: Worker) -> None:
    worker.engine.add_shield("guard", "bomb", text=REFUSAL)
    worker.points.arm()
    await worker.ask(word="bomb", answer=REFUSAL, topic=True)


async def a_question_that_the_model_refuses(worker: Worker) -> None:
    conversation_id = await worker.ask()
    worker.engine.will(refuses(QuotaExceeded.of_model("model")))
    worker.points.arm()
    await worker.ask(conversation_id, answer="")


async def an_answer_that_fails(worker: Worker) -> None:
    gate = asyncio.Event()
    broken = breaks(EngineFailed("away"), *HELD)
    worker.engine.will([*broken[:-1], gate, broken[-1]])
    worker.points.arm()

    async def go_on(turn_id: str) -> None:
        await worker.journaled(turn_id)
        gate.set()

    await worker.ask(answer="".join(HELD), meanwhile=go_on)


async def an_answer_that_takes_long(worker: Worker) -> None:
    gate = asyncio.Event()
    worker.engine.will(held(gate))
    worker.points.arm()

    async def go_on(turn_id: str) -> None:
        await worker.journaled(turn_id)
        await worker.wired.keeper.renew()
        gate.set()

    await worker.ask(answer="".join(HELD), meanwhile=go_on)


async def an_answer_that_is_stopped(worker: Worker) -> None:
    worker.engine.will(held(asyncio.Event()))
    worker.points.arm()

    async def stop(turn_id: str) -> None:
        await worker.journaled(turn_id)
        await worker.wired.assistant.interrupt(turn_id, caller())

    await worker.ask(answer="".join(HELD), meanwhile=stop)


async def an_answer_that_another_worker_stops(worker: Worker) -> None:
    worker.engine.will(held(asyncio.Event()))
    worker.points.arm()

    async def stop(turn_id: str) -> None:
        await worker.journaled(turn_id)
        await worker.store.request_interrupt(turn_id)
        await worker.wired.keeper.renew()

    await worker.ask(answer="".join(HELD), meanwhile=stop)


async def a_history_that_is_cut(worker: Worker) -> None:
    conversation_id = await worker.ask()
    await worker.ask(conversation_id)
    worker.engine.will(refuses(PromptTooLong()))
    worker.points.arm()
    await worker.ask(conversation_id)


async def two_conversations_and_one_who_waits(worker: Worker) -> None:
    conversation_id = await worker.ask()
    gate = asyncio.Event()
    worker.engine.will(held(gate))
    worker.points.arm()
    async with asyncio.TaskGroup() as group:

        async def go_on(turn_id: str) -> None:
            group.create_task(worker.ask(conversation_id))
            group.create_task(worker.ask())
            await worker.journaled(turn_id)
            gate.set()

        await worker.ask(conversation_id, answer="".join(HELD), meanwhile=go_on)


async def a_turn_that_waits_for_its_user(worker: Worker) -> None:
    room = str(uuid4())
    wishes = as_models_say(a_call(1, room=room), a_call(2, HEAT, room=room))
    worker.tools.specs = (READ, HEAT)
    worker.engine.will(calls(*wishes, text=LOOKING), says(*WARM))
    worker.points.arm()
    await worker.ask(answer=LOOKING + "".join(WARM), meanwhile=worker.allow)


async def a_name_and_a_deletion(worker: Worker) -> None:
    conversation_id = await worker.ask()
    worker.points.arm()
    await worker.store.rename(conversation_id, NAME)
    worker.tell(named=conversation_id)
    worker.tell(deleting=conversation_id)
    await worker.store.delete(conversation_id)
    worker.tell(deleted=conversation_id)


async def turns_of_a_dead_worker(worker: Worker) -> None:
    worker.points.arm()
    await worker.wired.keeper.recover()


type Shape = Callable[[Worker], Awaitable[None]]
LONG: Final[Shape] = an_answer_that_takes_long
RECOVERY: Final[Shape] = turns_of_a_dead_worker
SHAPES: Final[Mapping[str, Shape]] = {
    shape.__name__: shape
    for shape in (
        a_new_conversation,
        a_conversation_that_goes_on,
        documents_and_a_warning,
        an_answer_that_a_shield_refuses,
        a_question_that_the_model_refuses,
        an_answer_that_fails,
        LONG,
        an_answer_that_is_stopped,
        an_answer_that_another_worker_stops,
        a_history_that_is_cut,
        two_conversations_and_one_who_waits,
        a_turn_that_waits_for_its_user,
        a_name_and_a_deletion,
        RECOVERY,
    )
}


@asynccontextmanager
async def open_worker(run: Run, points: WritePoints) -> AsyncGenerator[Worker]:
    """Open the stores as the service opens them; only the keeper works when it is told to."""
    settings = unspell(run.database)
    ahead = timedelta(seconds=run.seconds_ahead)
    store = SqlConversationStore(
        Database(settings),
        is_shared=not isinstance(settings, SqliteSettings),
        clock=lambda: utc_now() + ahead,
    )
    engine = ScriptedEngine()
    transcripts = Transcripts(Path(run.folder), JsonFiles(lambda: None))
    told = os.open(run.told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def use(call: ToolCall) -> ToolOutput:
        line = {"used": call.name, "for": call.arguments["room"]}
        os.write(told, json.dumps(line).encode() + b"\n")
        return ToolOutput(content="done")

    tools = ScriptedTools(specs=(), answer=use)
    wiring = wired_assistant(engine, store, transcripts=transcripts, tools=tools, settings=PATIENT)
    async with store, wiring as wired:
        yield Worker(
            run=run,
            engine=engine,
            store=store,
            tools=tools,
            wired=wired,
            points=points,
            told=told,
        )


async def work(run: Run) -> None:
    """Do what a run says and note the writes that it took."""
    points = WritePoints(
        Path(run.folder), kill_at=run.kill_at, moment=Moment(run.moment), pause=run.pause
    )
    points.watch()
    async with open_worker(run, points) as worker:
        await SHAPES[run.shape](worker)
    # What the turn began in the background has ended as well.
    worker.tell(writes=points.names)


def child(run: Run) -> None:
    """Work in this process, which ends with it."""
    signal.alarm(CHILD_SECONDS)
    asyncio.run(work(run))
    os._exit(0)


def main() -> None:
    """Fork children one after another until stdin ends."""
    for line in sys.stdin:
        run = Run(**json.loads(line))
        process = os.fork()
        if process == 0:
            child(run)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
