"""Who may do what with a conversation, and what a deletion waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from lightspeed_core.config.authorization import Action
from lightspeed_core.conversations.access import ConversationAccess, own_only
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.turn import TurnState
from lightspeed_core.errors import Forbidden, NotFound
from tests.support.assistants import caller
from tests.support.databases import a_turn, answered, completed, eventually

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
