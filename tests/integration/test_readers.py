"""Readers of streams who are slow, deaf or gone, over the whole way of a turn in one process."""

import asyncio
import gc
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import pytest
from starlette.types import ASGIApp, Message

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.live import outcome_of
from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.constants import DEFAULT_USER_ID
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.engine.types import ChatDelta
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from tests.support.asgi import build_app, client_of, open_stream
from tests.support.assistants import WAIT_SECONDS, Wired, caller, wired_assistant
from tests.support.feedback import a_collector
from tests.support.handing_over import files_in_memory
from tests.support.mcp_parts import mcp_of_memory
from tests.support.scripted_engine import ScriptedEngine, Step, says, store_info
from tests.support.streams import parse_stream, text_of

SENTENCE = "The service listens on port 8080."
QUESTION = {"query": "Which port?", "generate_topic_summary": False}
JSON = {"content-type": "application/json"}
FRAMES = 6
MANY = 20_000


@pytest.fixture
def engine() -> ScriptedEngine:
    """An engine whose answers pass through the filter of citations and an output shield."""
    engine = ScriptedEngine()
    document = SourceDocument(document_id="guide.md", text=SENTENCE, content_hash="h", title="")
    chunk = Chunk(chunk_id="c", document_id="guide.md", content=SENTENCE, start=0, end=33)
    engine.add_store(store_info("docs")).insert(document, [chunk])
    return engine


@pytest.fixture
def store() -> MemoryConversationStore:
    return MemoryConversationStore()


@pytest.fixture
async def worker(engine: ScriptedEngine, store: MemoryConversationStore) -> AsyncIterator[Wired]:
    async with wired_assistant(engine, store) as wired:
        yield wired


@pytest.fixture
def app(engine: ScriptedEngine, store: MemoryConversationStore, worker: Wired) -> ASGIApp:
    configuration = Configuration.model_validate(
        {
            "name": "Readers",
            "service": {},
            "llama_stack": {"url": "http://localhost:8321"},
            "user_data_collection": {},
        }
    )
    return build_app(
        Services(
            configuration=configuration,
            engine=engine,
            authenticator=NoopAuthenticator(),
            authorizer=OpenAuthorizer(),
            assistant=worker.assistant,
            conversations=ConversationAccess(store),
            metrics=worker.metrics,
            feedback=a_collector(None),
            prompts=MemoryPrompts(),
            saved_prompts=SavedPrompts(MemorySavedPrompts(), SavedPromptsConfiguration()),
            files=Files(MemoryFiles()),
            handed_over=files_in_memory(engine, MemoryFiles()),
            mcp=mcp_of_memory(),
        )
    )


@contextmanager
def abandoned_generators() -> Generator[list[str]]:
    """Note the names of asynchronous generators that are collected before they were closed."""
    abandoned: list[str] = []
    before = sys.get_asyncgen_hooks()

    def note(generator: object) -> None:
        abandoned.append(repr(generator))

    sys.set_asyncgen_hooks(firstiter=lambda _: None, finalizer=note)
    try:
        yield abandoned
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*before)


@asynccontextmanager
async def no_task_left() -> AsyncGenerator[None]:
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(WAIT_SECONDS):
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0)


def gated(tokens: int) -> tuple[list[Step], list[asyncio.Event]]:
    """Return an answer that waits before each of its tokens, with what lets them go."""
    gates = [asyncio.Event() for _ in range(tokens)]
    steps: list[Step] = []
    for number, gate in enumerate(gates):
        steps += [ChatDelta(tokens=(f"t{number} ",)), gate]
    return [*steps, *says("end.")], gates


async def outcome(worker: Wired, turn_id: str) -> Turn:
    async with asyncio.timeout(WAIT_SECONDS):
        return await outcome_of(await worker.assistant.resume(turn_id, caller(DEFAULT_USER_ID)))


@pytest.mark.parametrize("frames", range(1, FRAMES + 1))
@pytest.mark.parametrize("shield", [None, "output_words"])
async def test_a_client_that_goes_away_after_any_frame_leaves_nothing_behind(
    app: ASGIApp, engine: ScriptedEngine, worker: Wired, frames: int, shield: str | None
) -> None:
    if shield is not None:
        engine.add_shield(shield, "bomb")
    answer, gates = gated(FRAMES)
    engine.will(answer)
    with abandoned_generators() as abandoned:
        async with no_task_left():
            body = json.dumps(QUESTION).encode()
            async with open_stream(
                app, "POST", "/v1/streaming_query", body=body, headers=JSON
            ) as stream:
                first = await stream.next_part()
                assert first is not None
                for gate in gates[: 0 if shield else frames - 1]:
                    gate.set()
                    await stream.next_part()
            turn_id = parse_stream(first.decode())[0].data["request_id"]
            for gate in gates:
                gate.set()
            turn = await outcome(worker, turn_id)

    assert turn.state is TurnState.COMPLETED
    assert engine.ended == len(engine.chats)
    assert abandoned == []


async def test_a_client_that_never_reads_costs_the_turn_nothing(
    app: ASGIApp, engine: ScriptedEngine, worker: Wired
) -> None:
    engine.will(says(*(["word "] * MANY)))
    sent: list[Message] = []
    gone = asyncio.Event()
    request = [{"type": "http.request", "body": json.dumps(QUESTION).encode()}]

    async def receive() -> Message:
        if request:
            return request.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message.get("body"):
            await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/streaming_query",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }
    with abandoned_generators() as abandoned:
        async with no_task_left(), asyncio.TaskGroup() as group:
            deaf = group.create_task(asyncio.wait_for(app(scope, receive, send), WAIT_SECONDS))
            async with asyncio.timeout(WAIT_SECONDS):
                while len(sent) < 2:
                    await asyncio.sleep(0)
            turn_id = parse_stream(sent[1]["body"].decode())[0].data["request_id"]
            turn = await outcome(worker, turn_id)
            assert not deaf.done()
            gone.set()

    assert abandoned == []
    assert turn.text == "word " * MANY
    assert len(sent) == 2


async def test_a_slow_client_reads_what_a_fast_one_reads(
    app: ASGIApp, engine: ScriptedEngine
) -> None:
    engine.will(says(*(f"{number} " for number in range(MANY))))
    body = json.dumps(QUESTION).encode()
    parts: list[bytes] = []
    async with open_stream(app, "POST", "/v1/streaming_query", body=body, headers=JSON) as stream:
        while (part := await stream.next_part()) is not None:
            parts.append(part)
            await asyncio.sleep(0)
    events = parse_stream(b"".join(parts).decode())

    assert [event.id for event in events] == list(range(len(events)))
    assert text_of(events) == "".join(f"{number} " for number in range(MANY))
    assert events[-2].data["token"] == text_of(events)
    async with client_of(app) as client:
        address = f"/v1/streaming_query/{events[0].data['request_id']}"
        assert parse_stream((await client.get(address)).text) == events
