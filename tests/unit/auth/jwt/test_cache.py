import asyncio
from collections.abc import AsyncGenerator

import pytest

from lightspeed_core.auth.jwt.cache import (
    FRESH_SECONDS,
    REFRESH_SECONDS,
    RETRY_SECONDS,
    STALE_SECONDS,
    UNKNOWN_KEY_SECONDS,
    KeyCache,
)
from lightspeed_core.auth.jwt.keys import KeySet
from lightspeed_core.errors import AuthenticationUnavailable
from tests.support.assistants import WAIT_SECONDS
from tests.support.scripted_keys import Clock, ScriptedKeys, cached
from tests.support.tokens import token_key

OLD, NEW = token_key("old"), token_key("new")
DOWN = "Unable to reach authentication key server"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> ScriptedKeys:
    return ScriptedKeys(OLD)


@pytest.fixture
async def cache(source: ScriptedKeys, clock: Clock) -> AsyncGenerator[KeyCache]:
    async with cached(source, clock) as keys:
        yield keys


def ids(keys: KeySet | None) -> list[str | None]:
    return [key.key_id for key in keys.keys] if keys else []


async def settled(source: ScriptedKeys, fetches: int) -> None:
    """Wait until so many fetches were made, and let the last of them end."""
    async with asyncio.timeout(WAIT_SECONDS):
        while source.fetches < fetches:
            await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_fetched_once_for_an_hour(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    for _ in range(3):
        assert ids(await cache.get()) == ["old"]
        clock.at += REFRESH_SECONDS / 3 - 1
    assert source.fetches == 1


async def test_many_who_need_keys_share_one_fetch(cache: KeyCache, source: ScriptedKeys) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(cache.get()) for _ in range(100)]

    assert source.fetches == 1
    assert {id(task.result()) for task in asked} == {id(cache.at_hand())}


async def test_who_goes_away_leaves_the_fetch_to_the_others(
    cache: KeyCache, source: ScriptedKeys
) -> None:
    source.gate.clear()
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(cache.get()), group.create_task(cache.get())
        await settled(source, 1)
        first.cancel()
        await asyncio.sleep(0)
        source.gate.set()

    assert ids(second.result()) == ["old"]
    assert source.fetches == 1


async def test_keys_are_renewed_before_their_hour_ends_and_nobody_waits(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    source.publish(NEW)
    source.gate.clear()
    clock.at += REFRESH_SECONDS

    assert ids(await cache.get()) == ["old"]
    await settled(source, 2)
    assert ids(await cache.get()) == ["old"]
    source.gate.set()
    await settled(source, 2)
    assert ids(await cache.get()) == ["new"]
    assert source.fetches == 2


async def test_after_the_hour_the_next_one_waits_for_the_keys_of_now(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    source.publish(NEW)
    clock.at += FRESH_SECONDS

    assert cache.at_hand() is None
    assert ids(await cache.get()) == ["new"]


async def test_keys_that_have_not_changed_stay_the_same_object(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    before = await cache.get()
    clock.at += FRESH_SECONDS

    assert await cache.get() is before
    assert source.fetches == 2


@pytest.mark.attack(11)
async def test_without_keys_nobody_is_admitted_and_few_fetches_are_tried(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    source.down = DOWN
    for _ in range(50):
        with pytest.raises(AuthenticationUnavailable, match=DOWN) as refusal:
            await cache.get()
        assert refusal.value.retry_after == RETRY_SECONDS
    assert source.fetches == 1

    clock.at += RETRY_SECONDS
    source.down = None
    assert ids(await cache.get()) == ["old"]
    assert source.fetches == 2


@pytest.mark.attack(11)
async def test_while_the_server_is_down_keys_serve_for_a_day_and_no_longer(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    source.down = DOWN
    clock.at += STALE_SECONDS - 1
    assert ids(await cache.get()) == ["old"]
    clock.at += 1
    with pytest.raises(AuthenticationUnavailable):
        await cache.get()


@pytest.mark.attack(11)
async def test_while_the_server_is_known_to_be_down_nobody_waits_for_it(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    source.down = DOWN
    clock.at += FRESH_SECONDS
    await cache.get()
    clock.at += RETRY_SECONDS
    source.gate.clear()

    assert ids(await cache.get()) == ["old"]
    await settled(source, 3)
    assert ids(cache.at_hand()) == ["old"]
    source.down = None
    source.gate.set()


@pytest.mark.attack(4)
async def test_unknown_keys_are_asked_for_once_a_minute(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    async with asyncio.TaskGroup() as group:
        for _ in range(1000):
            group.create_task(cache.get_anew())
    for _ in range(1000):
        await cache.get_anew()
    assert source.fetches == 2

    source.publish(OLD, NEW)
    clock.at += UNKNOWN_KEY_SECONDS
    assert ids(await cache.get_anew()) == ["old", "new"]
    assert source.fetches == 3


async def test_whether_a_key_is_unknown_cannot_be_said_while_the_server_is_down(
    cache: KeyCache, source: ScriptedKeys, clock: Clock
) -> None:
    await cache.get()
    source.down = DOWN
    for _ in range(10):
        with pytest.raises(AuthenticationUnavailable):
            await cache.get_anew()
    assert source.fetches == 2
    assert ids(await cache.get()) == ["old"]

    clock.at += UNKNOWN_KEY_SECONDS
    source.down = None
    assert ids(await cache.get_anew()) == ["old"]


async def test_a_source_that_breaks_is_as_one_that_is_down(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(ScriptedKeys):
        async def fetch(self) -> KeySet:
            raise RuntimeError("never seen")

    async with cached(Broken(), clock) as cache:
        with pytest.raises(AuthenticationUnavailable, match=DOWN):
            await cache.get()
    assert "fetching keys broke" in caplog.text


async def test_a_fetch_that_still_runs_at_the_end_is_given_up(clock: Clock) -> None:
    source = ScriptedKeys(OLD)
    source.gate.clear()
    async with asyncio.timeout(WAIT_SECONDS), cached(source, clock) as cache:
        cache.renew()
        await settled(source, 1)
