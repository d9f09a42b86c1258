"""A service that is killed again and again while clients write, over each database."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.domain.turn import TurnState
from tests.support.collecting import write_configuration
from tests.support.kept_turns import (
    Kept,
    Told,
    check_feedback,
    check_kept,
    check_started,
    read_kept,
)
from tests.support.postgres import Postgres
from tests.support.service import Service, running_service
from tests.support.writers import ANYWHERE, Writer

WRITERS = 6
# What a client was just told when the service is killed, and how often something of the kind
# had been told by then.
KILLED_AT = (("start", 4), ("token", 60), ("turn_complete", 9), ("feedback", 7), ("name", 3))
SETTLED_SECONDS = 30.0


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    if request.param == "sqlite":
        return SqliteSettings(path=tmp_path / "conversations.db")
    server = request.getfixturevalue("postgres")
    assert isinstance(server, Postgres)
    return server.settings()


async def killed_while_writing(service: Service, told: Told, kind: str, times: int) -> None:
    """Let clients write until one was told something for so many times, and kill the service."""
    heard = 0

    def on_told(name: str) -> None:
        nonlocal heard
        heard += name == kind
        if name == kind and heard == times:
            service.kill()

    async def write() -> None:
        with pytest.raises(httpx2.TransportError):
            await Writer([service], told, on_told).write(is_over=lambda: False)

    async with asyncio.timeout(SETTLED_SECONDS), asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write())


async def kept_when_settled(settings: DatabaseSettings, folder: Path) -> Kept:
    """Return what is kept once the service has settled the turns that were killed."""
    database = Database(settings)
    async with SqlConversationStore(database, is_shared=True) as store:
        until = time.monotonic() + SETTLED_SECONDS
        while True:
            kept = await read_kept(database, store, folder / "transcripts")
            if all(row["lease_expires_at"] is None for row in kept.turns):
                return kept
            assert time.monotonic() < until
            await asyncio.sleep(0.2)


def go_on(client: httpx2.Client, conversation_id: str) -> None:
    body = {"query": f"and {uuid4()}", "conversation_id": conversation_id, **ANYWHERE}
    answer = client.post("/v1/query", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["response"] == f"You asked: {body['query']}"


@pytest.mark.requirement("transcript.killed")
@pytest.mark.requirement("store.killed")
async def test_a_service_that_is_killed_leaves_every_turn_whole_or_marked_interrupted(
    tmp_path: Path, settings: DatabaseSettings, model_environment: dict[str, str]
) -> None:
    config = write_configuration(tmp_path, settings)

    @contextmanager
    def started() -> Generator[Service]:
        data = tmp_path / "data"
        with running_service(data, environment=model_environment, config=config) as service:
            service.wait_until_ready()
            yield service
            assert "Traceback" not in service.output()

    told = Told()
    for kind, times in KILLED_AT:
        with started() as service:
            await killed_while_writing(service, told, kind, times)

    with started() as service:
        kept = await kept_when_settled(settings, tmp_path)
        check_kept(kept, told)
        states = {turn.state for turn in kept.read.values()}
        assert states == {TurnState.COMPLETED, TurnState.INTERRUPTED}
        if isinstance(settings, PostgresSettings):
            check_started(kept, told)
        check_feedback(tmp_path / "feedback", told)
        with service.client() as client:
            for row in kept.conversations:
                go_on(client, row["conversation_id"])
