import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import NotFound
from tests.support.databases import ManualClock, NewWorker, a_turn, answered, batch, completed

BOUND = 5.0


async def has_ended(waiting: Awaitable[None], within: float) -> bool:
    try:
        await asyncio.wait_for(asyncio.shield(waiting), within)
    except TimeoutError:
        return False
    return True


async def test_the_first_turn_waits_for_nobody(store: ConversationStore) -> None:
    turn = a_turn()
    store.begin_new(turn)

    async with asyncio.timeout(BOUND):
        await store.wait_for_predecessors(turn)


@pytest.mark.requirement("store.order")
@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["same worker", "other worker"])
async def test_turns_of_a_conversation_run_one_after_another_in_the_order_of_receipt(
    store: ConversationStore, other: ConversationStore, is_elsewhere: bool
) -> None:
    first = a_turn()
    store.begin_new(first)
    order: list[str] = []

    async def run(worker: ConversationStore, turn: Turn) -> None:
        await worker.wait_for_predecessors(turn)
        order.append(turn.turn_id)
        await worker.finish(completed(turn), None)

    await store.rename(first.conversation_id, "so that the conversation is committed")
    later = [a_turn(first.conversation_id) for _ in range(6)]
    workers = [other if is_elsewhere and index % 2 else store for index in range(6)]
    for worker, turn in zip(workers, later, strict=True):
        await worker.begin(turn)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for worker, turn in reversed(list(zip(workers, later, strict=True))):
            group.create_task(run(worker, turn))
        await asyncio.sleep(0.3)
        assert order == []
        await store.finish(completed(first), None)

    assert order == [turn.turn_id for turn in later]
    history = await other.history(first.conversation_id)
    assert [turn.turn_id for turn in history] == [first.turn_id, *order]


async def test_a_waiting_turn_of_the_same_worker_goes_on_at_once(store: ConversationStore) -> None:
    async def delay_after_predecessor() -> float:
        first = a_turn()
        store.begin_new(first)
        second = a_turn(first.conversation_id)
        await store.begin(second)
        waiting = asyncio.ensure_future(store.wait_for_predecessors(second))
        await asyncio.sleep(0.02)
        await store.finish(completed(first), None)
        ended = asyncio.get_running_loop().time()
        await waiting
        return asyncio.get_running_loop().time() - ended

    # The best of some, for the machine may be busy; who only polls needs half a period at best.
    assert min([await delay_after_predecessor() for _ in range(5)]) < 0.1


@pytest.mark.requirement("store.order")
async def test_turns_of_other_conversations_do_not_wait(store: ConversationStore) -> None:
    store.begin_new(a_turn())
    mine = await answered(store, a_turn())
    next_one = a_turn(mine.conversation_id)
    await store.begin(next_one)

    async with asyncio.timeout(BOUND):
        await store.wait_for_predecessors(next_one)


async def test_a_turn_that_waits_in_a_conversation_that_is_deleted_is_told(
    store: ConversationStore,
) -> None:
    first = a_turn()
    store.begin_new(first)
    second = a_turn(first.conversation_id)
    await store.begin(second)
    waiting = asyncio.ensure_future(store.wait_for_predecessors(second))
    await asyncio.sleep(0)
    await store.delete(first.conversation_id)

    with pytest.raises(NotFound):
        await asyncio.wait_for(waiting, BOUND)


@pytest.mark.requirement("store.leases")
async def test_a_lost_lease_frees_the_conversation(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    dead = a_turn()
    store.begin_new(dead)
    await store.rename(dead.conversation_id, "committed")
    second = a_turn(dead.conversation_id)
    await other.begin(second)
    waiting = asyncio.ensure_future(other.wait_for_predecessors(second))
    assert not await has_ended(waiting, 0.3)

    clock.advance(10)

    await asyncio.wait_for(waiting, BOUND)


@pytest.mark.parametrize("is_received_late", [False, True])
async def test_a_worker_that_was_held_up_lets_no_turn_overtake_one_that_it_still_runs(
    store: ConversationStore, clock: ManualClock, is_received_late: bool
) -> None:
    first = a_turn()
    store.begin_new(first)
    second = a_turn(first.conversation_id)
    if is_received_late:
        clock.advance(11)
        await store.begin(second)
    else:
        await store.begin(second)
        clock.advance(11)
    waiting = asyncio.ensure_future(store.wait_for_predecessors(second))

    assert not await has_ended(waiting, 0.3)

    await store.finish(completed(first), None)
    await asyncio.wait_for(waiting, BOUND)


async def test_a_renewed_lease_keeps_the_conversation(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    first = a_turn()
    store.begin_new(first)
    clock.advance(8)
    signs = await store.renew_leases([first.turn_id])
    second = a_turn(first.conversation_id)
    await other.begin(second)
    waiting = asyncio.ensure_future(other.wait_for_predecessors(second))

    clock.advance(8)

    assert (signs.lost, signs.interrupted) == (frozenset(), frozenset())
    assert not await has_ended(waiting, 0.5)
    assert await other.claim_expired() == []
    await store.finish(completed(first), None)
    await asyncio.wait_for(waiting, BOUND)


async def test_renewing_nothing_tells_nothing(store: ConversationStore) -> None:
    signs = await store.renew_leases([])

    assert (signs.lost, signs.interrupted) == (frozenset(), frozenset())


@pytest.mark.requirement("store.leases")
async def test_the_turns_of_a_dead_worker_are_claimed_by_exactly_one_other(
    store: ConversationStore, other: ConversationStore, new_worker: NewWorker, clock: ManualClock
) -> None:
    third = await new_worker()
    turns = [a_turn() for _ in range(5)]
    for turn in turns:
        store.begin_new(turn)
        store.append_journal(batch(turn, 0))
        store.append_journal(batch(turn, 1))
    await store.rename(turns[0].conversation_id, "committed")
    assert await other.claim_expired() == []
    clock.advance(11)

    claims = await asyncio.gather(*(worker.claim_expired() for worker in (other, third) * 3))

    claimed = [expired for claim in claims for expired in claim]
    assert sorted(expired.turn.turn_id for expired in claimed) == sorted(
        turn.turn_id for turn in turns
    )
    assert all(expired.turn in turns for expired in claimed)
    assert all(
        expired.journal == (batch(expired.turn, 0), batch(expired.turn, 1)) for expired in claimed
    )


@pytest.mark.requirement("store.leases")
async def test_the_claimer_settles_the_turn_and_the_loser_changes_nothing(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    store.append_journal(batch(turn, 0))
    await store.rename(turn.conversation_id, "committed")
    clock.advance(11)
    [expired] = await other.claim_expired()

    signs = await store.renew_leases([turn.turn_id])
    store.append_journal(batch(turn, 1))
    await store.finish(completed(turn), batch(turn, 2))
    settled = replace(expired.turn, state=TurnState.INTERRUPTED, completed_at=clock())
    await other.finish(settled, None)

    assert signs.lost == {turn.turn_id}
    assert await store.find_turn(turn.turn_id) == settled
    assert await store.journal(turn.turn_id) == [batch(turn, 0)]
    assert await store.history(turn.conversation_id) == [settled]


async def test_a_claimed_turn_is_claimed_again_when_the_claimer_dies_too(
    store: ConversationStore, other: ConversationStore, new_worker: NewWorker, clock: ManualClock
) -> None:
    third = await new_worker()
    turn = a_turn()
    store.begin_new(turn)
    await store.rename(turn.conversation_id, "committed")
    clock.advance(11)
    await other.claim_expired()
    assert await third.claim_expired() == []
    clock.advance(11)

    [expired] = await third.claim_expired()

    assert expired.turn == turn


async def test_a_worker_does_not_claim_what_it_runs_itself(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    await store.rename(turn.conversation_id, "committed")
    clock.advance(11)

    assert await store.claim_expired() == []
    signs = await store.renew_leases([turn.turn_id])
    assert signs.lost == frozenset()
    assert await other.claim_expired() == []


async def test_a_wish_to_stop_reaches_the_worker_that_runs_the_turn(
    store: ConversationStore, other: ConversationStore
) -> None:
    wished, unharmed = a_turn(), a_turn()
    store.begin_new(wished)
    store.begin_new(unharmed)
    await store.rename(wished.conversation_id, "committed")

    await other.request_interrupt(wished.turn_id)
    signs = await store.renew_leases([wished.turn_id, unharmed.turn_id])

    assert signs.interrupted == {wished.turn_id}
    assert signs.lost == frozenset()


async def test_a_turn_whose_conversation_was_deleted_is_lost_to_its_worker(
    store: ConversationStore, other: ConversationStore
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    await store.rename(turn.conversation_id, "committed")
    await other.delete(turn.conversation_id)

    signs = await store.renew_leases([turn.turn_id])
    store.append_journal(batch(turn, 0))
    await store.finish(completed(turn), batch(turn, 1))

    assert signs.lost == {turn.turn_id}
    assert await store.find_turn(turn.turn_id) is None
    assert await store.journal(turn.turn_id) == []
    assert await store.find(turn.conversation_id) is None
