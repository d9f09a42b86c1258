"""Who may do what with a conversation, and what a deletion waits for."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.access import ConversationAccess, own_only
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.removal import Removal
from lightspeed_core.conversations.retention import ConversationRetention
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import Forbidden, NotFound, StorageFailed
from tests.support.assistants import caller
from tests.support.databases import NOON, a_turn, answered, completed, eventually

type Ask = Callable[[ConversationAccess, Identity, str], Coroutine[Any, Any, object]]

ASKED: dict[str, tuple[Action, Ask]] = {
    "list": (
        Action.LIST_OTHER_CONVERSATIONS,
        lambda access, who, which: access.list(who, after=which),
    ),
    "read": (
        Action.READ_OTHER_CONVERSATIONS,
        lambda access, who, which: access.history(who, which),
    ),
    "update": (
        Action.QUERY_OTHER_CONVERSATIONS,
        lambda access, who, which: access.rename(who, which, "Named"),
    ),
    "delete": (
        Action.DELETE_OTHER_CONVERSATIONS,
        lambda access, who, which: access.delete(who, which),
    ),
}


@pytest.fixture
def store() -> MemoryConversationStore:
    return MemoryConversationStore()


@pytest.fixture
def access(store: MemoryConversationStore) -> ConversationAccess:
    return ConversationAccess(store, stop_within=0.3)


@pytest.mark.parametrize("verb", ASKED)
async def test_the_conversation_of_another_takes_the_one_power_over_it(
    store: MemoryConversationStore, access: ConversationAccess, verb: str
) -> None:
    power, ask = ASKED[verb]
    conversation_id = (await answered(store, a_turn(user_id="ann"))).conversation_id
    others = {action for action, _ in ASKED.values()} - {power}

    for weak in (caller("bob", *others), own_only(caller("bob", power))):
        with pytest.raises(Forbidden) as caught:
            await ask(access, weak, conversation_id)
        assert caught.value.cause == (
            f"User bob does not have permission to {verb} conversation with ID {conversation_id}"
        )
    await ask(access, caller("bob", power), conversation_id)


async def test_lists_show_everybodys_conversations_to_who_may_list_them(
    store: MemoryConversationStore, access: ConversationAccess
) -> None:
    anns = (await answered(store, a_turn(user_id="ann"))).conversation_id
    bobs = (await answered(store, a_turn(user_id="bob"))).conversation_id

    async def listed(who: Identity) -> set[str]:
        return {each.conversation_id for each in await access.list(who)}

    mighty = caller("bob", Action.LIST_OTHER_CONVERSATIONS)
    assert await listed(caller("bob")) == {bobs}
    assert await listed(mighty) == {anns, bobs}
    assert await listed(own_only(mighty)) == {bobs}


async def test_pages_begin_behind_what_exists_alone(
    store: MemoryConversationStore, access: ConversationAccess
) -> None:
    turn = await answered(store, a_turn())
    elsewhere = await answered(store, a_turn())

    with pytest.raises(NotFound):
        await access.list(caller(), after="unknown")
    for mark in ("unknown", elsewhere.turn_id):
        with pytest.raises(NotFound) as caught:
            await access.history(caller(), turn.conversation_id, after=mark)
        assert caught.value.resource == "turn"


async def test_a_deletion_asks_all_live_turns_to_stop_and_waits_for_their_end(
    store: MemoryConversationStore,
) -> None:
    access = ConversationAccess(store, stop_within=5)
    first = await answered(store, a_turn())
    live = [a_turn(first.conversation_id), a_turn(first.conversation_id)]
    for turn in live:
        await store.begin(turn)
    ids = [turn.turn_id for turn in live]

    async with asyncio.TaskGroup() as group:
        deletion = group.create_task(access.delete(caller(), first.conversation_id))

        async def are_asked() -> bool:
            return (await store.renew_leases(ids)).interrupted == frozenset(ids)

        await eventually(are_asked)
        assert await store.find(first.conversation_id) is not None
        for turn in live:
            await store.finish(replace(completed(turn), state=TurnState.INTERRUPTED), None)

    assert deletion.result() is True
    assert await store.find(first.conversation_id) is None


async def test_a_turn_that_does_not_stop_holds_no_deletion_up_for_long(
    store: MemoryConversationStore, access: ConversationAccess
) -> None:
    stubborn = a_turn()
    store.begin_new(stubborn)

    async with asyncio.timeout(5):
        assert await access.delete(caller(), stubborn.conversation_id)

    assert await store.find_turn(stubborn.turn_id) is None
    assert (await store.renew_leases([stubborn.turn_id])).lost == {stubborn.turn_id}


class ScriptedTraces:
    """Notes what is removed, and what the store still knew then; may fail."""

    def __init__(self, store: MemoryConversationStore) -> None:
        self._store = store
        self.removed: list[tuple[str, set[str], bool]] = []
        self.error: StorageFailed | None = None

    async def remove(self, conversation_id: str, user_ids: Iterable[str]) -> None:
        if self.error is not None:
            raise self.error
        is_known = await self._store.find(conversation_id) is not None
        self.removed.append((conversation_id, set(user_ids), is_known))


async def test_what_is_kept_elsewhere_goes_before_the_conversation_and_once_more_after_it(
    store: MemoryConversationStore,
) -> None:
    first = await answered(store, a_turn(user_id="ann"))
    await answered(store, a_turn(first.conversation_id, user_id="bob"), is_new=False)
    traces = ScriptedTraces(store)

    assert await ConversationAccess(store, Removal(store, traces)).delete(
        caller("ann"), first.conversation_id
    )

    which = (first.conversation_id, {"ann", "bob"})
    assert traces.removed == [(*which, True), (*which, False)]


async def test_a_conversation_whose_traces_cannot_be_removed_is_still_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = NOON
    aged = MemoryConversationStore(clock=lambda: now)
    first = await answered(aged, a_turn())
    now += timedelta(days=8)
    traces = ScriptedTraces(aged)
    traces.error = StorageFailed("Failed to delete transcripts", "the disk is read-only")
    removal = Removal(aged, traces)

    with pytest.raises(StorageFailed):
        await ConversationAccess(aged, removal).delete(caller(), first.conversation_id)
    await ConversationRetention(aged, removal, keep=timedelta(days=7)).sweep()

    assert await aged.find(first.conversation_id) is not None
    assert "the disk is read-only" in caplog.text
