"""Turns that wait for approvals, in every store, and that of several workers one goes on."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from lightspeed_core.conversations.approvals import Answer, Answered, Pause, PausedTurn
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn, TurnState
from lightspeed_core.errors import Conflict, NotFound
from tests.support.databases import (
    ManualClock,
    NewWorker,
    a_turn,
    answered,
    batch,
    completed,
)

pytestmark = pytest.mark.requirement("approvals.restart")

TIME_TO_ANSWER = 300
YES, NO = Answer(approve=True), Answer(approve=False, reason="Not that \U0001f4a5 one.")


def an_approval(turn: Turn, now: datetime, number: int = 1) -> Approval:
    return Approval(
        approval_id=str(uuid4()),
        turn_id=turn.turn_id,
        conversation_id=turn.conversation_id,
        user_id=turn.user_id,
        call_id=f"c{number}\0",
        tool="heat",
        server=None if number % 2 else "home",
        arguments={"room": number, "text": "\0\ud800 ö", "huge": 2**70},
        digest="d" * 64,
        created_at=now + timedelta(microseconds=number),
        expires_at=now + timedelta(seconds=TIME_TO_ANSWER),
    )


def pausing(turn: Turn, clock: ManualClock, count: int = 1) -> tuple[Turn, Pause]:
    """Return a turn as it waits for so many answers, and what is stored of it."""
    approvals = tuple(an_approval(turn, clock(), number) for number in range(1, count + 1))
    waiting = replace(
        turn, state=TurnState.AWAITING_APPROVAL, text="Let me see.", approvals=approvals
    )
    return waiting, Pause(checkpoint='{"round": 1}', approvals=approvals)


async def paused(
    store: ConversationStore, clock: ManualClock, *, count: int = 1, user_id: str = "ann"
) -> tuple[Turn, Pause]:
    """Have a new conversation wait in its first turn."""
    turn = a_turn(user_id=user_id)
    store.begin_new(turn)
    store.append_journal(batch(turn, 0))
    waiting, pause = pausing(turn, clock, count)
    await store.opened(turn)
    assert await store.approvals.pause(waiting, batch(turn, 1), pause)
    return waiting, pause


async def test_a_waiting_turn_is_found_by_all_with_its_journal(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, pause = await paused(store, clock, count=2)

    assert await other.find_turn(turn.turn_id) == turn
    assert await other.journal(turn.turn_id) == [batch(turn, 0), batch(turn, 1)]
    assert await other.approvals.find(pause.approvals[0].approval_id) == pause.approvals[0]
    assert list(await other.approvals.open_of("ann")) == list(pause.approvals)
    assert list(await other.approvals.open_of("bob")) == []
    assert await other.approvals.find("nope") is None


async def test_it_is_shown_and_is_no_part_of_the_history_and_nobody_runs_it(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, _ = await paused(store, clock)

    assert list(await other.list_turns(turn.conversation_id)) == [turn]
    assert await other.history(turn.conversation_id) == []
    assert list(await other.live_turns(turn.conversation_id)) == []
    clock.advance(3600)
    assert await other.claim_expired() == []
    assert (await store.renew_leases([turn.turn_id])).lost == {turn.turn_id}
    assert list(await other.idle(timedelta(seconds=1), limit=9)) == []


@pytest.mark.parametrize(
    ("answer", "state"), [(YES, ApprovalState.APPROVED), (NO, ApprovalState.DENIED)]
)
async def test_who_hears_the_last_answer_gets_the_turn_with_all_that_was_kept(
    store: ConversationStore,
    other: ConversationStore,
    clock: ManualClock,
    answer: Answer,
    state: ApprovalState,
) -> None:
    turn, pause = await paused(store, clock, count=2)
    first, second = pause.approvals
    clock.advance(9)

    one = await store.approvals.answer(second.approval_id, YES)
    assert one == Answered(
        approval=replace(second, state=ApprovalState.APPROVED, answered_at=clock())
    )
    clock.advance(1)
    last = await other.approvals.answer(first.approval_id, answer)

    settled = replace(first, state=state, answered_at=clock(), reason=answer.reason)
    assert last.approval == settled
    assert last.paused == PausedTurn(
        turn=replace(turn, state=TurnState.WAITING),
        journal=(batch(turn, 0), batch(turn, 1)),
        pause=Pause(checkpoint=pause.checkpoint, approvals=(settled, one.approval)),
    )
    assert list(await store.approvals.open_of("ann")) == []
    assert list(await store.live_turns(turn.conversation_id)) == [turn.turn_id]
    assert (await other.renew_leases([turn.turn_id])).lost == frozenset()


async def test_a_turn_that_went_on_ends_like_any_other(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, pause = await paused(store, clock)
    await other.approvals.answer(pause.approvals[0].approval_id, YES)
    other.append_journal(batch(turn, 2))

    await other.finish(completed(turn, "Done."), batch(turn, 3))

    assert [each.text for each in await store.history(turn.conversation_id)] == ["Done."]
    assert await store.journal(turn.turn_id) == [batch(turn, index) for index in range(4)]


async def test_of_many_who_answer_at_once_one_is_heard(
    new_worker: NewWorker, clock: ManualClock
) -> None:
    workers = [await new_worker() for _ in range(4)]
    _, pause = await paused(workers[0], clock)
    approval_id = pause.approvals[0].approval_id

    outcomes = await asyncio.gather(
        *(worker.approvals.answer(approval_id, YES) for worker in workers * 3),
        return_exceptions=True,
    )

    heard = [each for each in outcomes if isinstance(each, Answered)]
    assert len(heard) == 1
    assert heard[0].paused is not None
    assert all(isinstance(each, Conflict | Answered) for each in outcomes)


async def test_of_many_last_answers_at_once_one_takes_the_turn(
    new_worker: NewWorker, clock: ManualClock
) -> None:
    workers = [await new_worker() for _ in range(4)]
    for _ in range(5):
        _, pause = await paused(workers[0], clock, count=4)

        outcomes = await asyncio.gather(
            *(
                worker.approvals.answer(approval.approval_id, YES)
                for worker, approval in zip(workers, pause.approvals, strict=True)
            )
        )

        assert sum(outcome.paused is not None for outcome in outcomes) == 1


async def test_after_its_time_nobody_answers_and_one_takes_the_turn(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, pause = await paused(store, clock, count=2)
    await store.approvals.answer(pause.approvals[0].approval_id, YES)
    assert list(await other.approvals.overdue()) == []
    clock.advance(TIME_TO_ANSWER)

    assert list(await other.approvals.overdue()) == [turn.turn_id]
    with pytest.raises(NotFound):
        await store.approvals.answer(pause.approvals[1].approval_id, YES)
    assert list(await store.approvals.open_of("ann")) == []
    taken = await asyncio.gather(
        *(
            worker.approvals.take(turn.turn_id, left_open=ApprovalState.EXPIRED)
            for worker in (store, other, store, other)
        )
    )

    (went_on,) = [each for each in taken if each is not None]
    states = [approval.state for approval in went_on.pause.approvals]
    assert states == [ApprovalState.APPROVED, ApprovalState.EXPIRED]
    assert list(await other.approvals.overdue()) == []
    with pytest.raises(NotFound):
        await store.approvals.answer(pause.approvals[1].approval_id, YES)
    with pytest.raises(Conflict):
        await store.approvals.answer(pause.approvals[0].approval_id, YES)


async def test_a_turn_that_does_not_wait_is_not_taken(store: ConversationStore) -> None:
    turn = await answered(store, a_turn())

    assert await store.approvals.take(turn.turn_id, left_open=ApprovalState.DENIED) is None
    assert await store.approvals.take("nope", left_open=ApprovalState.DENIED) is None


async def test_its_place_is_taken_also_beyond_any_lease(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, pause = await paused(store, clock)
    clock.advance(TIME_TO_ANSWER - 1)
    later = a_turn(turn.conversation_id)
    await other.begin(later)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await other.wait_for_predecessors(later)
    await store.approvals.answer(pause.approvals[0].approval_id, YES)
    await store.finish(completed(turn), None)

    async with asyncio.timeout(5):
        await other.wait_for_predecessors(later)


async def test_one_that_should_stop_or_is_anothers_does_not_wait(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn = (await answered(store, a_turn())).conversation_id
    stopped = a_turn(turn)
    await store.begin(stopped)
    await other.request_interrupt(stopped.turn_id)
    waiting, pause = pausing(stopped, clock)

    assert not await store.approvals.pause(waiting, batch(stopped, 0), pause)
    assert not await other.approvals.pause(waiting, batch(stopped, 0), pause)

    assert await store.find_turn(stopped.turn_id) == stopped
    assert await store.journal(stopped.turn_id) == []
    assert list(await store.approvals.open_of("ann")) == []


async def test_what_was_answered_goes_after_its_time(
    store: ConversationStore, clock: ManualClock
) -> None:
    _, open_one = await paused(store, clock)
    _, old = await paused(store, clock)
    await store.approvals.answer(old.approvals[0].approval_id, YES)
    clock.advance(100)

    await store.approvals.purge(timedelta(seconds=101))
    assert await store.approvals.find(old.approvals[0].approval_id) is not None
    await store.approvals.purge(timedelta(seconds=99))

    assert await store.approvals.find(old.approvals[0].approval_id) is None
    assert await store.approvals.find(open_one.approvals[0].approval_id) is not None


async def test_a_deleted_conversation_takes_its_waiting_turn_along(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    turn, pause = await paused(store, clock)

    assert await other.delete(turn.conversation_id)

    assert await store.find_turn(turn.turn_id) is None
    assert await store.approvals.find(pause.approvals[0].approval_id) is None
    with pytest.raises(NotFound):
        await store.approvals.answer(pause.approvals[0].approval_id, YES)
    assert await store.approvals.take(turn.turn_id, left_open=ApprovalState.DENIED) is None
