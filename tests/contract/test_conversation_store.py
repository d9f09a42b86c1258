import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import ModelRef, Turn, TurnState
from lightspeed_core.errors import NotFound
from tests.support.databases import (
    NOON,
    STORE_KINDS,
    ManualClock,
    NewWorker,
    a_turn,
    eventually,
    open_workers,
)

BOUND = 5.0


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


def completed(turn: Turn, text: str = "Because.", *, after: float = 1.0) -> Turn:
    return replace(
        turn,
        state=TurnState.COMPLETED,
        text=text,
        completed_at=turn.started_at + timedelta(seconds=after),
    )


def batch(turn: Turn, index: int) -> JournalBatch:
    return JournalBatch(turn_id=turn.turn_id, index=index, payload=f"batch {index}".encode())


async def answered(store: ConversationStore, turn: Turn, *, is_new: bool = True) -> Turn:
    if is_new:
        store.begin_new(turn)
    else:
        await store.begin(turn)
    answer = completed(turn)
    await store.finish(answer, None)
    return answer


async def has_ended(waiting: Awaitable[None], within: float) -> bool:
    try:
        await asyncio.wait_for(asyncio.shield(waiting), within)
    except TimeoutError:
        return False
    return True


# What is stored


async def test_a_finished_turn_reads_back_as_it_was(store: ConversationStore) -> None:
    answer = await answered(store, a_turn())

    assert await store.find_turn(answer.turn_id) == answer
    assert await store.history(answer.conversation_id) == [answer]


async def test_a_turn_that_runs_is_found_and_not_part_of_the_history(
    store: ConversationStore,
) -> None:
    first = await answered(store, a_turn())
    second = a_turn(first.conversation_id)
    await store.begin(second)

    assert await store.find_turn(second.turn_id) == second
    assert await store.history(first.conversation_id) == [first]


async def test_the_history_gives_the_newest_turns_in_the_order_of_receipt(
    store: ConversationStore,
) -> None:
    turns = [await answered(store, a_turn())]
    for _ in range(4):
        turn = a_turn(turns[0].conversation_id, started_at=NOON - timedelta(days=1))
        turns.append(await answered(store, turn, is_new=False))

    assert await store.history(turns[0].conversation_id) == turns
    assert await store.history(turns[0].conversation_id, limit=2) == turns[-2:]
    assert await store.history(turns[0].conversation_id, limit=0) == []
    assert await store.history(turns[0].conversation_id, limit=9) == turns


async def test_what_nobody_stored_is_not_found(store: ConversationStore) -> None:
    assert await store.find_turn("none") is None
    assert await store.find("none") is None
    assert await store.history("none") == []
    assert await store.journal("none") == []
    assert await store.list("nobody") == []
    assert not await store.rename("none", "topic")
    assert not await store.delete("none")
    await store.request_interrupt("none")


async def test_a_turn_of_a_conversation_that_is_gone_is_refused(store: ConversationStore) -> None:
    with pytest.raises(NotFound) as caught:
        await store.begin(a_turn("gone"))

    assert caught.value.resource_id == "gone"


async def test_a_conversation_shows_its_turns_and_the_model_that_answered_last(
    store: ConversationStore,
) -> None:
    first = await answered(store, a_turn())
    second = a_turn(first.conversation_id, started_at=NOON + timedelta(minutes=1))
    await store.begin(second)
    answer = completed(replace(second, model=ModelRef(provider="vllm", model="large")))
    await store.finish(answer, None)

    found = await store.find(first.conversation_id)

    assert found is not None
    assert (found.user_id, found.message_count, found.created_at) == ("ann", 2, NOON)
    assert (found.last_used_provider, found.last_used_model) == ("vllm", "large")
    assert found.last_message_at == answer.completed_at
    assert found.topic_summary is None


async def test_a_new_conversation_is_found_while_its_first_turn_runs(
    store: ConversationStore, other: ConversationStore
) -> None:
    turn = a_turn()
    store.begin_new(turn)

    found = await eventually(lambda: other.find(turn.conversation_id))

    assert found is not None
    assert found.message_count == 1
    assert found.last_message_at == NOON


async def test_finishing_a_final_turn_changes_nothing(store: ConversationStore) -> None:
    answer = await answered(store, a_turn())
    before = await store.find(answer.conversation_id)

    late = replace(answer, state=TurnState.FAILED, completed_at=NOON + timedelta(days=1))
    await store.finish(late, batch(late, 0))

    assert await store.find_turn(answer.turn_id) == answer
    assert await store.find(answer.conversation_id) == before
    assert await store.journal(answer.turn_id) == []


async def test_many_turns_at_once_are_all_stored(store: ConversationStore) -> None:
    answers = await asyncio.gather(*(answered(store, a_turn(user_id="bob")) for _ in range(40)))

    assert [await store.history(answer.conversation_id) for answer in answers] == [
        [answer] for answer in answers
    ]
    assert len(await store.list("bob")) == 40


# The journal


async def test_the_journal_is_read_in_order_from_any_batch_on(store: ConversationStore) -> None:
    turn = a_turn()
    store.begin_new(turn)
    for index in range(3):
        store.append_journal(batch(turn, index))
    await store.finish(completed(turn), batch(turn, 3))

    assert await store.journal(turn.turn_id) == [batch(turn, index) for index in range(4)]
    assert await store.journal(turn.turn_id, after=1) == [batch(turn, 2), batch(turn, 3)]
    assert await store.journal(turn.turn_id, after=3) == []


async def test_another_worker_reads_the_journal_of_a_running_turn(
    store: ConversationStore, other: ConversationStore
) -> None:
    turn = a_turn()
    store.begin_new(turn)
    store.append_journal(batch(turn, 0))

    assert await eventually(lambda: other.journal(turn.turn_id)) == [batch(turn, 0)]


async def test_a_batch_is_written_once_and_none_after_the_end(store: ConversationStore) -> None:
    turn = a_turn()
    store.begin_new(turn)
    store.append_journal(batch(turn, 0))
    store.append_journal(replace(batch(turn, 0), payload=b"again"))
    await store.finish(completed(turn), None)
    store.append_journal(batch(turn, 1))
    await store.rename(turn.conversation_id, "written after the late batch")

    assert await store.journal(turn.turn_id) == [batch(turn, 0)]


async def test_journals_are_purged_some_time_after_the_end_of_their_turn(
    store: ConversationStore, clock: ManualClock
) -> None:
    old, young, running = a_turn(), a_turn(), a_turn()
    for turn in (old, young, running):
        store.begin_new(turn)
        store.append_journal(batch(turn, 0))
    await store.finish(completed(old), None)
    clock.advance(400)
    await store.finish(completed(young), None)
    clock.advance(300)

    await store.purge_journal(timedelta(minutes=10))

    assert await store.journal(old.turn_id) == []
    assert await store.journal(young.turn_id) == [batch(young, 0)]
    assert await store.journal(running.turn_id) == [batch(running, 0)]
    assert await store.history(old.conversation_id) == [completed(old)]


# The order of turns


async def test_the_first_turn_waits_for_nobody(store: ConversationStore) -> None:
    turn = a_turn()
    store.begin_new(turn)

    async with asyncio.timeout(BOUND):
        await store.wait_for_predecessors(turn)


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
    first = a_turn()
    store.begin_new(first)
    second = a_turn(first.conversation_id)
    await store.begin(second)
    waiting = asyncio.ensure_future(store.wait_for_predecessors(second))
    await asyncio.sleep(0.05)
    started = asyncio.get_running_loop().time()

    await store.finish(completed(first), None)
    await waiting

    assert asyncio.get_running_loop().time() - started < 0.15


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


# Leases


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["same worker", "other worker"])
async def test_a_lost_lease_frees_the_conversation(
    store: ConversationStore, other: ConversationStore, clock: ManualClock, is_elsewhere: bool
) -> None:
    dead = a_turn()
    store.begin_new(dead)
    await store.rename(dead.conversation_id, "committed")
    worker = other if is_elsewhere else store
    second = a_turn(dead.conversation_id)
    await worker.begin(second)
    waiting = asyncio.ensure_future(worker.wait_for_predecessors(second))
    assert not await has_ended(waiting, 0.3)

    clock.advance(10)

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


# Conversations


async def test_lists_show_the_newest_first_and_each_user_their_own(
    store: ConversationStore,
) -> None:
    ids: list[str] = []
    for minutes, user_id in ((3, "ann"), (1, "ann"), (2, "bob"), (4, "ann")):
        started_at = NOON + timedelta(minutes=minutes)
        answer = await answered(store, a_turn(user_id=user_id, started_at=started_at))
        ids.append(answer.conversation_id)
    three, one, two, four = ids

    async def listed(user_id: str | None, **page: object) -> list[str]:
        found = await store.list(user_id, **page)  # pyright: ignore[reportArgumentType] - limit and after
        return [conversation.conversation_id for conversation in found]

    assert await listed("ann") == [four, three, one]
    assert await listed("bob") == [two]
    assert await listed(None) == [four, three, two, one]
    assert await listed("ann", limit=2) == [four, three]
    assert await listed("ann", limit=2, after=three) == [one]
    assert await listed(None, after=four) == [three, two, one]
    assert await listed("ann", after="unknown") == []


async def test_pages_of_conversations_of_the_same_moment_miss_none(
    store: ConversationStore,
) -> None:
    answers = [await answered(store, a_turn()) for _ in range(5)]
    seen: list[str] = []
    while page := await store.list("ann", limit=2, after=seen[-1] if seen else None):
        seen.extend(conversation.conversation_id for conversation in page)

    assert sorted(seen) == sorted(answer.conversation_id for answer in answers)


async def test_a_renamed_conversation_shows_its_topic(store: ConversationStore) -> None:
    answer = await answered(store, a_turn())

    assert await store.rename(answer.conversation_id, "Naïve 'quotes'; -- and 🦜")

    found = await store.find(answer.conversation_id)
    assert found is not None
    assert found.topic_summary == "Naïve 'quotes'; -- and 🦜"


async def test_deleting_leaves_nothing_of_the_conversation(store: ConversationStore) -> None:
    answer = await answered(store, a_turn())
    running = a_turn(answer.conversation_id)
    await store.begin(running)
    store.append_journal(batch(running, 0))
    kept = await answered(store, a_turn())

    assert await store.delete(answer.conversation_id)

    assert await store.find(answer.conversation_id) is None
    assert await store.history(answer.conversation_id) == []
    assert await store.find_turn(answer.turn_id) is None
    assert await store.find_turn(running.turn_id) is None
    assert await store.journal(running.turn_id) == []
    assert [c.conversation_id for c in await store.list("ann")] == [kept.conversation_id]
    assert not await store.delete(answer.conversation_id)
