"""Sixteen clients that write for a minute, to two processes on one database."""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.database import Database
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
from tests.support.writers import TURNS, Writer

WRITERS = 16
SECONDS = 60.0
TROUBLE = ("locked", " ERROR ", " CRITICAL ", "Traceback", "lost")


async def write_for_a_minute(services: Sequence[Service]) -> Told:
    told = Told()
    until = time.monotonic() + SECONDS
    async with asyncio.TaskGroup() as group:
        for number in range(WRITERS):
            # Half of them begin at either service.
            begun = number % len(services)
            writer = Writer([*services[begun:], *services[:begun]], told)
            group.create_task(writer.write(is_over=lambda: time.monotonic() > until))
    return told


async def kept_by(settings: DatabaseSettings, folder: Path) -> Kept:
    database = Database(settings)
    async with SqlConversationStore(database) as store:
        return await read_kept(database, store, folder / "transcripts")


def check_nothing_is_lost(kept: Kept, told: Told, folder: Path) -> None:
    """Each turn that was answered is stored once, by two processes, and nothing else is."""
    check_kept(kept, told)
    check_started(kept, told)
    check_feedback(folder / "feedback", told)
    assert len({row["lease_owner"] for row in kept.turns}) == 2
    assert {turn.state for turn in kept.read.values()} == {TurnState.COMPLETED}
    conversations = len(told.named) - len(told.deleted)
    assert len(kept.conversations) == conversations
    assert len(kept.turns) == TURNS * conversations
    assert len(told.ended) == TURNS * len(told.named) == len(kept.transcripts)
    assert len(told.named) >= WRITERS


def end(service: Service) -> None:
    """End a service in order; nothing that it said may be of trouble."""
    assert service.terminate() in (0, -signal.SIGTERM)
    output = service.output()
    assert not [line for line in output.splitlines() if any(word in line for word in TROUBLE)]


@pytest.mark.requirement("store.writers")
async def test_two_workers_on_one_file_lose_nothing_that_sixteen_clients_write(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    settings = SqliteSettings(path=tmp_path / "conversations.db")
    config = write_configuration(tmp_path, settings, workers=2)
    with running_service(
        tmp_path / "data", environment=model_environment, config=config
    ) as service:
        service.wait_until_ready()
        told = await write_for_a_minute([service])
        end(service)

    check_nothing_is_lost(await kept_by(settings, tmp_path), told, tmp_path)


@pytest.mark.requirement("store.writers")
async def test_two_services_on_one_server_lose_nothing_that_sixteen_clients_write(
    tmp_path: Path, postgres: Postgres, model_environment: dict[str, str]
) -> None:
    settings = postgres.settings()
    config = write_configuration(tmp_path, settings)
    with ExitStack() as stack:
        services = [
            stack.enter_context(
                running_service(tmp_path / name, environment=model_environment, config=config)
            )
            for name in ("one", "two")
        ]
        for service in services:
            service.wait_until_ready()
        told = await write_for_a_minute(services)
        for service in services:
            end(service)

    check_nothing_is_lost(await kept_by(settings, tmp_path), told, tmp_path)
