import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.turn import ModelRef, TurnState
from lightspeed_core.errors import NotFound
from tests.support.databases import (
    NOON,
    ManualClock,
    a_turn,
    answered,
    batch,
    completed,
    eventually,
)


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


@pytest.mark.requirement("store.lists")
async def test_pages_of_turns_follow_one_another_and_leave_out_what_runs(
    store: ConversationStore, other: ConversationStore
) -> None:
    first = await answered(store, a_turn())
    conversation_id = first.conversation_id
    later = [await answered(store, a_turn(conversation_id), is_new=False) for _ in range(4)]
    turns = [first, *later]
    running = a_turn(conversation_id)
    await store.begin(running)
    elsewhere = await answered(store, a_turn())

    assert await other.list_turns(conversation_id) == turns
    assert await other.list_turns(conversation_id, limit=2) == turns[:2]
    page = await other.list_turns(conversation_id, limit=2, after=turns[1].turn_id)
    assert page == turns[2:4]
    assert await other.list_turns(conversation_id, after=turns[-1].turn_id) == []
    assert await other.list_turns(conversation_id, after=elsewhere.turn_id) == []


async def test_live_turns_are_those_that_a_living_worker_holds(
    store: ConversationStore, other: ConversationStore, clock: ManualClock
) -> None:
    first = await answered(store, a_turn())
    running, waiting = a_turn(first.conversation_id), a_turn(first.conversation_id)
    await store.begin(running)
    await other.begin(waiting)

    assert await other.live_turns(first.conversation_id) == [running.turn_id, waiting.turn_id]

    await store.finish(completed(running), None)
    assert await other.live_turns(first.conversation_id) == [waiting.turn_id]

    clock.advance(11)
    assert await store.live_turns(first.conversation_id) == []


async def test_what_nobody_stored_is_not_found(store: ConversationStore) -> None:
    assert await store.find_turn("none") is None
    assert await store.find("none") is None
    assert await store.history("none") == []
    assert await store.journal("none") == []
    assert await store.list("nobody") == []
    assert not await store.rename("none", "topic")
    assert not await store.delete("none")
    assert await store.list_turns("none", after="none") == []
    assert await store.live_turns("none") == []
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
    await store.opened(turn)

    found = await other.find(turn.conversation_id)

    assert found is not None
    assert await other.find_turn(turn.turn_id) == turn
    assert found.message_count == 1
    assert found.last_message_at == NOON


@pytest.mark.requirement("store.once")
@pytest.mark.parametrize("late_state", [TurnState.COMPLETED, TurnState.FAILED])
async def test_finishing_a_final_turn_changes_nothing(
    store: ConversationStore, clock: ManualClock, late_state: TurnState
) -> None:
    answer = await answered(store, a_turn())
    before = await store.find(answer.conversation_id)
    clock.advance(5)

    late = replace(answer, state=late_state, completed_at=NOON + timedelta(days=1))
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


@pytest.mark.requirement("store.once")
async def test_a_batch_is_written_once_and_none_after_the_end(store: ConversationStore) -> None:
    turn = a_turn()
    store.begin_new(turn)
    store.append_journal(batch(turn, 0))
    store.append_journal(replace(batch(turn, 0), payload=b"again"))
    await store.finish(completed(turn), None)
    store.append_journal(batch(turn, 1))
    await store.rename(turn.conversation_id, "written after the late batch")

    assert await store.journal(turn.turn_id) == [batch(turn, 0)]


@pytest.mark.requirement("stream.resume-refusal")
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


@pytest.mark.requirement("store.lists")
async def test_lists_show_the_newest_first_and_each_user_their_own(
    store: ConversationStore,
) -> None:
    ids: list[str] = []
    for minutes, user_id in ((3, "ann"), (1, "ann"), (2, "bob"), (4, "ann")):
        started_at = NOON + timedelta(minutes=minutes)
        answer = await answered(store, a_turn(user_id=user_id, started_at=started_at))
        ids.append(answer.conversation_id)
    three, one, two, four = ids

    async def listed(
        user_id: str | None, *, limit: int | None = None, after: str | None = None
    ) -> list[str]:
        found = await store.list(user_id, limit=limit, after=after)
        return [conversation.conversation_id for conversation in found]

    assert await listed("ann") == [four, three, one]
    assert await listed("bob") == [two]
    assert await listed(None) == [four, three, two, one]
    assert await listed("ann", limit=2) == [four, three]
    assert await listed("ann", limit=2, after=three) == [one]
    assert await listed(None, after=four) == [three, two, one]
    assert await listed("ann", after="unknown") == []


@pytest.mark.requirement("store.lists")
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


async def test_a_topic_may_be_set_only_where_there_is_none(store: ConversationStore) -> None:
    answer = await answered(store, a_turn())

    assert await store.rename(answer.conversation_id, "Written", only_unnamed=True)
    assert not await store.rename(answer.conversation_id, "Too late", only_unnamed=True)

    found = await store.find(answer.conversation_id)
    assert found is not None
    assert found.topic_summary == "Written"


@pytest.mark.requirement("store.lists")
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
