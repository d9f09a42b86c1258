"""Everything that is kept: in the database that the configuration names, or in memory.

The only module that names concrete stores.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from lightspeed_core.app.settings import database_settings, settings_of
from lightspeed_core.app.takeover import takeover_of
from lightspeed_core.config.quota import QuotaSchedulerConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.conversations.sql import SqlConversationStore
from lightspeed_core.conversations.sql.takeover import Takeover
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.files.attachments import AttachmentStore
from lightspeed_core.files.memory import MemoryAttachments, MemoryFiles
from lightspeed_core.files.sql import SqlAttachments, SqlFiles
from lightspeed_core.files.store import FileStore
from lightspeed_core.ingest.memory import MemoryIndexedFiles, MemoryJobs
from lightspeed_core.ingest.sql import SqlIndexedFiles, SqlJobs
from lightspeed_core.ingest.store import IndexedFiles, JobStore
from lightspeed_core.mcp.memory import MemoryMcpServers
from lightspeed_core.mcp.sql import SqlMcpServers
from lightspeed_core.mcp.store import McpServerStore
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.sql import SqlPrompts, SqlSavedPrompts
from lightspeed_core.prompts.store import PromptStore, SavedPromptStore
from lightspeed_core.quota.memory import MemoryQuotas
from lightspeed_core.quota.schedule import open_patiently
from lightspeed_core.quota.sql import SqlQuotas
from lightspeed_core.quota.store import QuotaStore
from lightspeed_core.user_data.sql import SqlFeedbackStatus
from lightspeed_core.user_data.status import FeedbackStatusStore, MemoryFeedbackStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores of a service; `quotas` where anything is counted."""

    conversations: ConversationStore
    feedback_status: FeedbackStatusStore
    prompts: PromptStore
    saved_prompts: SavedPromptStore
    files: FileStore
    attachments: AttachmentStore
    jobs: JobStore
    indexed_files: IndexedFiles
    mcp_servers: McpServerStore
    quotas: QuotaStore | None = None
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
        jobs, indexed_files = ingestion_stores(None)
        return Stores(
            conversations=MemoryConversationStore(max_conversations=memory and memory.max_entries),
            feedback_status=MemoryFeedbackStatus(configured=takes_feedback),
            prompts=MemoryPrompts(),
            saved_prompts=MemorySavedPrompts(),
            files=MemoryFiles(),
            attachments=MemoryAttachments(),
            jobs=jobs,
            indexed_files=indexed_files,
            mcp_servers=MemoryMcpServers(),
            quotas=_quotas(configuration, None),
        )
    database = Database(settings)
    takeover = takeover_of(configuration, database)
    jobs, indexed_files = ingestion_stores(database)
    conversations = SqlConversationStore(
        database,
        is_shared=is_shared(configuration),
        takeover=takeover,
        on_journaled=on_journaled,
    )
    return Stores(
        conversations=conversations,
        feedback_status=SqlFeedbackStatus(database, configured=takes_feedback),
        prompts=SqlPrompts(database),
        saved_prompts=SqlSavedPrompts(database),
        files=SqlFiles(database),
        attachments=SqlAttachments(database),
        jobs=jobs,
        indexed_files=indexed_files,
        mcp_servers=SqlMcpServers(database),
        quotas=_quotas(configuration, database),
        takeover=takeover,
    )


def is_shared(configuration: Configuration) -> bool:
    """Say whether other workers may use the same stores."""
    settings = database_settings(configuration)
    return configuration.service.workers > 1 or isinstance(settings, PostgresSettings)


def ingestion_stores(database: Database | None) -> tuple[JobStore, IndexedFiles]:
    """Return what is kept of ingestion: in a database, or in memory where there is none."""
    if database is None:
        return MemoryJobs(), MemoryIndexedFiles()
    return SqlJobs(database), SqlIndexedFiles(database)


def _quotas(configuration: Configuration, database: Database | None) -> QuotaStore | None:
    """Return the store of quotas: in a database of its own, or in the one of everything else."""
    section = configuration.quota_handlers
    if not section.limiters:
        return None
    keeps_history = section.enable_token_history
    if section.backend is not None:
        settings = settings_of(section.backend)
        # One and the same database has one writer in a process.
        if database is None or settings != database_settings(configuration):
            database = Database(settings)
    if database is None:
        return MemoryQuotas(keeps_history=keeps_history)
    return SqlQuotas(database, keeps_history=keeps_history)


@asynccontextmanager
async def opened(stores: Stores, scheduler: QuotaSchedulerConfiguration) -> AsyncGenerator[None]:
    """Hold every store open; what they share is closed with the last of them.

    The quotas' database is tried as often as their `scheduler` says.
    """
    async with AsyncExitStack() as stack:
        for store in (
            stores.conversations,
            stores.feedback_status,
            stores.prompts,
            stores.saved_prompts,
            stores.files,
            stores.attachments,
            stores.jobs,
            stores.indexed_files,
            stores.mcp_servers,
        ):
            await store.open()
            stack.push_async_callback(store.close)
        if stores.quotas is not None:
            await open_patiently(stores.quotas, scheduler)
            stack.push_async_callback(stores.quotas.close)
        yield
