"""What a client is told when there is no room: a status, when to come back, nothing else."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.conversations.memory import MemoryConversationStore
from tests.support.asgi import build_app, client_of
from tests.support.assistants import WAIT_SECONDS, Wired, wired_assistant
from tests.support.scripted_engine import ACCEPTED, ScriptedEngine, says

QUESTIONS = {
    "/v1/query": {"query": "x", "generate_topic_summary": False},
    "/v1/streaming_query": {"query": "x", "generate_topic_summary": False},
    "/v1/infer": {"question": "x"},
}
SETTINGS = AssistantSettings(
    system_prompt="Be brief.", drain=WAIT_SECONDS, max_streams=2, max_streams_per_user=1
)


@pytest.fixture
async def wired(engine: ScriptedEngine) -> AsyncGenerator[Wired]:
    async with wired_assistant(engine, MemoryConversationStore(), settings=SETTINGS) as worker:
        yield worker


@pytest.fixture
def crowded(services: Services, wired: Wired) -> ASGIApp:
    """A service with room for two turns, one of a user."""
    return build_app(replace(services, assistant=wired.assistant))


@pytest.mark.requirement("overload.turns")
@pytest.mark.parametrize("path", QUESTIONS)
async def test_a_question_too_many_is_refused_before_anything_is_looked_up(
    crowded: ASGIApp, engine: ScriptedEngine, wired: Wired, path: str
) -> None:
    gate = asyncio.Event()
    engine.will([gate, *says("one")], [gate, *says("two")], says("three"))
    body = QUESTIONS[path]
    unknown = {"provider": "scripted", "model": "nope"} if path != "/v1/infer" else {}
    async with client_of(crowded) as client, asyncio.TaskGroup() as group:
        asked = [
            group.create_task(client.post(f"/v1/query?user_id={user}", json=QUESTIONS["/v1/query"]))
            for user in ("ann", "bob")
        ]
        async with asyncio.timeout(WAIT_SECONDS):
            while len(engine.chats) < 2:
                await asyncio.sleep(0)
        of_user = await client.post(f"{path}?user_id=ann", json=body)
        of_all = await client.post(f"{path}?user_id=cyd", json=body | unknown)
        broken = await client.post(f"{path}?user_id=cyd", json={})
        gate.set()
    assert (of_user.status_code, of_all.status_code, broken.status_code) == (429, 503, 422)
    assert of_all.json()["detail"]["response"] == "Service is overloaded"
    for refusal in (of_user, of_all):
        assert int(refusal.headers["retry-after"]) > 0
    assert [task.result().status_code for task in asked] == [200, 200]
    assert wired.assistant.admissions.turns.taken == 0
    async with client_of(crowded) as client:
        assert (await client.post(f"{path}?user_id=cyd", json=body)).status_code == 200


@pytest.mark.requirement("overload.readers")
async def test_a_stream_is_read_again_where_turns_have_taken_all_room(
    crowded: ASGIApp, engine: ScriptedEngine, wired: Wired
) -> None:
    gate = asyncio.Event()
    engine.will([ACCEPTED, gate, *says("one")], [ACCEPTED, gate, *says("two")])
    async with client_of(crowded) as client, asyncio.TaskGroup() as group:
        for user in ("ann", "bob"):
            group.create_task(client.post(f"/v1/query?user_id={user}", json=QUESTIONS["/v1/query"]))
        async with asyncio.timeout(WAIT_SECONDS):
            while len(wired.supervisor.leased_turns) < 2:
                await asyncio.sleep(0)
        ids = wired.supervisor.leased_turns
        address = f"/v1/streaming_query/{ids[0]}?user_id=ann"
        reading = group.create_task(client.get(address))
        async with asyncio.timeout(WAIT_SECONDS):
            while not wired.assistant.admissions.readers.taken:
                await asyncio.sleep(0)
        one_more = await client.get(address)
        gate.set()
    assert one_more.status_code == 429
    assert int(one_more.headers["retry-after"]) > 0
    assert reading.result().status_code == 200
    assert wired.assistant.admissions.readers.taken == 0
