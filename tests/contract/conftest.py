"""The stores that the suites of the conversation store run over, each as several workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightspeed_core.conversations.store import ConversationStore
from tests.support.databases import STORE_KINDS, ManualClock, NewWorker, open_workers


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=STORE_KINDS)
async def new_worker(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[NewWorker]:
    async with open_workers(str(request.param), tmp_path, clock) as new_worker:
        yield new_worker


@pytest.fixture
async def store(new_worker: NewWorker) -> ConversationStore:
    return await new_worker()


@pytest.fixture
async def other(new_worker: NewWorker) -> ConversationStore:
    """A second worker beside `store`."""
    return await new_worker()
