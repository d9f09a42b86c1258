from lightspeed_core.conversations.memory import MemoryConversationStore
from tests.support.databases import a_turn, answered


async def listed(store: MemoryConversationStore) -> set[str]:
    return {each.conversation_id for each in await store.list(None)}


async def test_of_too_many_conversations_the_one_that_rested_longest_goes() -> None:
    store = MemoryConversationStore(max_conversations=2)
    old = await answered(store, a_turn())
    used = await answered(store, a_turn())
    again = await answered(store, a_turn(old.conversation_id), is_new=False)
    new = await answered(store, a_turn())

    assert await listed(store) == {old.conversation_id, new.conversation_id}
    assert await store.find_turn(used.turn_id) is None
    assert await store.history(old.conversation_id) == [old, again]


async def test_a_conversation_in_which_a_turn_runs_stays() -> None:
    store = MemoryConversationStore(max_conversations=1)
    running = a_turn()
    store.begin_new(running)
    second = await answered(store, a_turn())
    assert await listed(store) == {running.conversation_id, second.conversation_id}

    third = await answered(store, a_turn())
    assert await listed(store) == {running.conversation_id, third.conversation_id}
