from collections.abc import AsyncIterator

import pytest

from lightspeed_core.conversations.memory import MemoryConversationStore
from tests.support.assistants import Wired, wired_assistant
from tests.support.scripted_engine import ScriptedEngine


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def store() -> AsyncIterator[MemoryConversationStore]:
    store = MemoryConversationStore()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def worker(engine: ScriptedEngine, store: MemoryConversationStore) -> AsyncIterator[Wired]:
    async with wired_assistant(engine, store) as wired:
        yield wired
