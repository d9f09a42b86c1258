"""The feedback switch, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightspeed_core.user_data.status import FeedbackStatusStore
from tests.contract.conftest import settings_for
from tests.support.databases import STORE_KINDS
from tests.support.feedback import NewSwitch, open_switches

pytestmark = pytest.mark.requirement("feedback.switch")


@pytest.fixture(params=STORE_KINDS)
async def new_switch(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewSwitch]:
    async with open_switches(settings_for(str(request.param), request, tmp_path)) as new_switch:
        yield new_switch


@pytest.fixture
async def switch(new_switch: NewSwitch) -> FeedbackStatusStore:
    return await new_switch()


@pytest.fixture
async def other(new_switch: NewSwitch) -> FeedbackStatusStore:
    """A second worker beside `switch`."""
    return await new_switch()


async def test_until_it_is_set_the_switch_is_as_configured(switch: FeedbackStatusStore) -> None:
    assert await switch.is_enabled() is True


async def test_setting_returns_what_was_before(switch: FeedbackStatusStore) -> None:
    assert await switch.set_enabled(enabled=False) is True
    assert await switch.set_enabled(enabled=False) is False
    assert await switch.set_enabled(enabled=True) is False
    assert await switch.is_enabled() is True


async def test_what_one_worker_sets_all_see(
    switch: FeedbackStatusStore, other: FeedbackStatusStore
) -> None:
    await switch.set_enabled(enabled=False)
    assert await other.is_enabled() is False

    assert await other.set_enabled(enabled=True) is False
    assert await switch.is_enabled() is True


async def test_of_many_who_switch_off_at_once_one_finds_it_on(
    switch: FeedbackStatusStore, other: FeedbackStatusStore
) -> None:
    workers = (switch, other) * 8

    previous = await asyncio.gather(*(worker.set_enabled(enabled=False) for worker in workers))

    assert sorted(previous) == [False] * 15 + [True]
