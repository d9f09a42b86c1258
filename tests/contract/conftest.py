"""The stores that the suites of the conversation store run over, each as several workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from tests.support.databases import STORE_KINDS, ManualClock, NewWorker, open_workers
from tests.support.postgres import Postgres


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def settings_for(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> DatabaseSettings | None:
    """Name a new database; the server is started by the first test that needs it."""
    if kind == "postgres":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        return server.settings()
    return SqliteSettings(path=tmp_path / "conversations.db") if kind == "sqlite" else None


@pytest.fixture(params=STORE_KINDS)
async def new_worker(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[NewWorker]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_workers(settings, clock) as new_worker:
        yield new_worker


@pytest.fixture(params=[kind for kind in STORE_KINDS if kind != "memory"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    """Databases that outlive a process."""
    settings = settings_for(str(request.param), request, tmp_path)
    assert settings is not None
    return settings


@pytest.fixture
async def store(new_worker: NewWorker) -> ConversationStore:
    return await new_worker()


@pytest.fixture
async def other(new_worker: NewWorker) -> ConversationStore:
    """A second worker beside `store`."""
    return await new_worker()
