import asyncio
import gc
import weakref

from lightspeed_core.conversations.changes import Changes, wait_at_most


async def test_an_announcement_wakes_all_who_took_the_event_before() -> None:
    changes = Changes()
    first, second, other = changes.next("a"), changes.next("a"), changes.next("b")

    changes.announce("a")

    assert first.is_set()
    assert second.is_set()
    assert not other.is_set()
    assert not changes.next("a").is_set()


async def test_waiting_ends_with_the_event_or_the_time() -> None:
    changes = Changes()
    async with asyncio.timeout(5):
        await wait_at_most(changes.next("a"), 0.01)
        event = changes.next("a")
        asyncio.get_running_loop().call_soon(changes.announce, "a")
        await wait_at_most(event, 60)


async def test_events_that_nobody_waits_for_are_forgotten() -> None:
    changes = Changes()
    forgotten = weakref.ref(changes.next("a"))
    gc.collect()

    assert forgotten() is None
    changes.announce("a")
