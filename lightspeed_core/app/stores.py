"""Everything that is kept: in the database that the configuration names, or in memory.

The only module that names concrete stores.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lightspeed_core.app.settings import database_settings
from lightspeed_core.app.takeover import takeover_of
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.sql.takeover import Takeover
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.sql import SqlPrompts, SqlSavedPrompts
from lightspeed_core.prompts.store import PromptStore, SavedPromptStore
from lightspeed_core.user_data.sql import SqlFeedbackStatus
from lightspeed_core.user_data.status import FeedbackStatusStore, MemoryFeedbackStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of a service."""

    conversations: ConversationStore
    feedback_status: FeedbackStatusStore
    prompts: PromptStore
    saved_prompts: SavedPromptStore
    takeover: Takeover | None = None


def choose_stores(
    configuration: Configuration, on_journaled: Callable[[float], None] | None = None
) -> Stores:
    """Return the stores that the configuration names, not yet opened.

    `on_journaled` hears how long, in seconds, each batch of the journal waited for its commit.
    """
    takes_feedback = configuration.user_data_collection.feedback_enabled
    settings = database_settings(configuration)
    memory = configuration.conversation_cache.memory
    if settings is None:
        return Stores(
            conversations=MemoryConversationStore(max_conversations=memory and memory.max_entries),
            feedback_status=MemoryFeedbackStatus(configured=takes_feedback),
            prompts=MemoryPrompts(),
            saved_prompts=MemorySavedPrompts(),
        )
    database = Database(settings)
    takeover = takeover_of(configuration, database)
    is_shared = configuration.service.workers > 1 or isinstance(settings, PostgresSettings)
    return Stores(
        conversations=SqlConversationStore(
            database, is_shared=is_shared, takeover=takeover, on_journaled=on_journaled
        ),
        feedback_status=SqlFeedbackStatus(database, configured=takes_feedback),
        prompts=SqlPrompts(database),
        saved_prompts=SqlSavedPrompts(database),
        takeover=takeover,
    )


@asynccontextmanager
async def opened(stores: Stores) -> AsyncGenerator[None]:
    """Hold every store open; what they share is closed with the last of them."""
    async with AsyncExitStack() as stack:
        for store in (
            stores.conversations,
            stores.feedback_status,
            stores.prompts,
            stores.saved_prompts,
        ):
            await store.open()
            stack.push_async_callback(store.close)
        yield
