"""The answer that streams."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext

import pytest
from starlette.types import ASGIApp, Message

from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.api.sse import TurnStream
from lightspeed_core.assistant.request import TurnRequest
from lightspeed_core.domain.events import TextDelta, TurnCompleted
from lightspeed_core.errors import StoreUnavailable
from tests.support.asgi import Stream, open_stream
from tests.support.assistants import caller
from tests.support.scripted_assistant import STARTED, TURN_ID, ScriptedAssistant, turn

BOUND_SECONDS = 5.0
JSON = {"content-type": "application/json"}
QUESTION = b'{"query": "Say hello"}'
PLAIN_QUESTION = b'{"query": "Say hello", "media_type": "text/plain"}'


def ask(app: ASGIApp, body: bytes = QUESTION) -> AbstractAsyncContextManager[Stream]:
    return open_stream(app, "POST", "/v1/streaming_query", body=body, headers=JSON)


async def test_frames_leave_as_soon_as_their_events_are_there(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    assistant.steps = [
        (STARTED,),
        gates[0],
        (TextDelta(("Hello", ",")),),
        gates[1],
        (TextDelta((" there",)), TurnCompleted(turn("Hello, there"))),
    ]
    async with ask(app) as stream:
        assert b'"start"' in (await stream.next_part() or b"")
        assert stream.parts.empty()
        gates[0].set()
        assert await stream.next_part() == (
            b'id: 1\ndata: {"event": "token", "data": {"id": 0, "token": "Hello"}}\n\n'
            b'id: 2\ndata: {"event": "token", "data": {"id": 1, "token": ","}}\n\n'
        )
        assert stream.parts.empty()
        gates[1].set()
        rest = await stream.rest()
        assert rest.startswith(b"id: 3\n")
        assert rest.count(b"\n\n") == 3


async def test_the_headers_keep_proxies_from_holding_frames_back(app: ASGIApp) -> None:
    async with ask(app) as stream:
        await stream.rest()
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-cache"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.headers


async def test_a_silence_is_a_comment(app: ASGIApp, assistant: ScriptedAssistant) -> None:
    assistant.steps = [(STARTED,), (), (TurnCompleted(turn("")),)]
    async with ask(app) as stream:
        await stream.next_part()
        assert await stream.next_part() == b": heartbeat\n\n"
        assert (await stream.rest()).startswith(b"id: 1\n")


async def test_plain_text_is_the_answer_and_nothing_before_it(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [
        (STARTED,),
        (),
        (TextDelta(("Grüße", " 🙂")),),
        (TurnCompleted(turn("Grüße 🙂")),),
    ]
    async with ask(app, PLAIN_QUESTION) as stream:
        assert await stream.rest() == "Grüße 🙂".encode()
        assert stream.headers["content-type"] == "text/plain; charset=utf-8"


async def wait_for_abandonment(assistant: ScriptedAssistant) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while not assistant.abandoned:
            await asyncio.sleep(0)


async def test_a_client_that_goes_away_is_reported_once(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [(STARTED,), asyncio.Event()]
    async with ask(app) as stream:
        await stream.next_part()
        stream.gone.set()
        await wait_for_abandonment(assistant)
        assert assistant.readers == 0
    assert assistant.abandoned == [TURN_ID]


async def test_a_client_to_which_nothing_can_be_sent_is_one_that_went_away(
    assistant: ScriptedAssistant,
) -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError("broken pipe")

    renderer = JsonFrames()
    source = await assistant.start(TurnRequest(query="q"), caller())
    stream = TurnStream(source, renderer, abandon=assistant.abandon, running=nullcontext())

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async with asyncio.timeout(BOUND_SECONDS):
        await stream({"type": "http"}, receive, send)

    assert assistant.readers == 0
    assert assistant.abandoned == [TURN_ID]


async def test_a_client_that_reads_to_the_end_abandons_nothing(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    async with ask(app) as stream:
        await stream.rest()
    assert assistant.abandoned == []


async def test_events_that_cannot_be_read_at_first_are_an_http_status(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.steps = [StoreUnavailable()]
    async with open_stream(app, "GET", f"/v1/streaming_query/{TURN_ID}") as stream:
        body = await stream.rest()
        assert stream.status == 500
        assert b'"response":"Database query failed"' in body


@pytest.mark.parametrize(
    ("body", "last"),
    [
        (
            QUESTION,
            b'data: {"event": "error", "data": {"status_code": 500, "response": '
            b'"Database query failed", "cause": "Failed to query the database"}}\n\n',
        ),
        (PLAIN_QUESTION, b"Status: 500 - Database query failed - Failed to query the database"),
    ],
    ids=["events", "plain text"],
)
async def test_events_that_can_no_longer_be_read_end_the_stream_with_an_error(
    app: ASGIApp,
    assistant: ScriptedAssistant,
    body: bytes,
    last: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assistant.steps = [(STARTED,), StoreUnavailable()]
    async with ask(app, body) as stream:
        answer = await stream.rest()
        assert stream.status == 200
    assert answer.endswith(last)
    assert f"stream broke turn_id={TURN_ID}" in caplog.text
    assert logging.WARNING in [record.levelno for record in caplog.records]


async def read_all(app: ASGIApp, streams: int) -> list[bytes]:
    async def one() -> bytes:
        async with ask(app) as stream:
            return await stream.rest()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(streams)]
    return [task.result() for task in tasks]


async def test_streams_side_by_side_count_for_themselves(app: ASGIApp) -> None:
    bodies = await read_all(app, 20)
    assert len(set(bodies)) == 1
    assert bodies[0].startswith(b"id: 0\n")
