"""Reading on and stopping; the stream itself is tested with `sse` and the renderer."""

import re

import pytest
from starlette.types import ASGIApp

from lightspeed_core.assistant.assistant import Interruption
from lightspeed_core.errors import Forbidden, NotFound
from tests.support.asgi import client_of
from tests.support.scripted_assistant import TURN_ID, ScriptedAssistant

RESUME = f"/v1/streaming_query/{TURN_ID}"
INTERRUPT = "/v1/streaming_query/interrupt"
FRAMES = 5


async def read_on(app: ASGIApp, query: str = "", **headers: str) -> list[int]:
    async with client_of(app) as client:
        answer = await client.get(RESUME + query, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    return [int(number) for number in re.findall(r"^id: (\d+)$", answer.text, re.MULTILINE)]


@pytest.mark.parametrize("k", range(FRAMES))
async def test_a_client_reads_on_after_the_event_that_it_saw(app: ASGIApp, k: int) -> None:
    rest = list(range(k + 1, FRAMES))
    assert await read_on(app, **{"last-event-id": str(k)}) == rest
    assert await read_on(app, f"?after={k}") == rest


async def test_a_client_that_saw_nothing_reads_everything(app: ASGIApp) -> None:
    everything = list(range(FRAMES))
    assert await read_on(app) == everything
    assert await read_on(app, "?after=-1") == everything
    assert await read_on(app, "?after=", **{"last-event-id": ""}) == everything


async def test_the_header_is_newer_than_the_address(app: ASGIApp) -> None:
    assert await read_on(app, "?after=0", **{"last-event-id": "3"}) == [4]


async def test_a_number_past_the_end_gets_the_end(app: ASGIApp) -> None:
    assert await read_on(app, **{"last-event-id": "999999999999"}) == [FRAMES - 1]


@pytest.mark.parametrize("number", ["x", "1.5", "-2", "1e3", "9" * 400, "٣", "0x1"])
async def test_what_is_no_number_is_malformed(
    app: ASGIApp, assistant: ScriptedAssistant, number: str
) -> None:
    async with client_of(app) as client:
        answer = await client.get(RESUME, params={"after": number})
    assert answer.status_code == 400
    assert answer.json()["detail"]["response"] == "Invalid event ID"
    assert assistant.resumed == []


async def test_the_owner_is_the_one_who_reads_on(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    await read_on(app, "?user_id=ada")
    ((turn_id, caller),) = assistant.resumed
    assert (turn_id, caller.user_id) == (TURN_ID, "ada")


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(NotFound("streaming request", "x"), 404), (Forbidden("No", "Not yours."), 403)],
)
async def test_a_stream_that_is_unknown_or_foreign_is_refused(
    app: ASGIApp, assistant: ScriptedAssistant, refusal: NotFound | Forbidden, status: int
) -> None:
    assistant.refusal = refusal
    async with client_of(app) as client:
        answers = [
            await client.get(RESUME),
            await client.post(INTERRUPT, json={"request_id": TURN_ID}),
        ]
    for answer in answers:
        assert answer.status_code == status
        assert answer.json() == {"detail": {"response": refusal.message, "cause": refusal.cause}}


@pytest.mark.parametrize(
    ("outcome", "interrupted", "message"),
    [
        (Interruption.REQUESTED, True, "Streaming request interrupted"),
        (
            Interruption.ALREADY_COMPLETED,
            False,
            "Streaming request already completed; nothing to interrupt",
        ),
    ],
)
async def test_a_stream_can_be_stopped(
    app: ASGIApp,
    assistant: ScriptedAssistant,
    outcome: Interruption,
    interrupted: bool,
    message: str,
) -> None:
    assistant.interruption = outcome
    async with client_of(app) as client:
        answer = await client.post(f"{INTERRUPT}?user_id=ada", json={"request_id": TURN_ID})
    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": TURN_ID,
        "interrupted": interrupted,
        "message": message,
    }
    ((turn_id, caller),) = assistant.interrupted
    assert (turn_id, caller.user_id) == (TURN_ID, "ada")


async def test_a_request_id_that_is_none_is_named(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.post(INTERRUPT, json={"request_id": "abc"})
        extra = await client.post(INTERRUPT, json={"request_id": TURN_ID, "x": 1})
    assert answer.status_code == extra.status_code == 422
    (fault,) = answer.json()["detail"]
    assert fault["msg"] == "Value error, Improper request ID abc"
    assert extra.json()["detail"][0]["type"] == "extra_forbidden"
