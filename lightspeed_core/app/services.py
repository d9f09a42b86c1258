"""Build every part, in the order of their dependence, and take them down in reverse.

It names authentication modules and the engine; `app/stores.py` names the stores.
"""

from asyncio import TaskGroup
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from lightspeed_core.api.state import Services
from lightspeed_core.app.audit import open_trail
from lightspeed_core.app.background import background_group
from lightspeed_core.app.boot import OnFatal, boot
from lightspeed_core.app.mcp import mcp_of
from lightspeed_core.app.quotas import run_quotas
from lightspeed_core.app.retention import removal_of, schedule_sweeps, sweep_uploads
from lightspeed_core.app.settings import assistant_settings, engine_settings, outbound_settings
from lightspeed_core.app.stores import Stores, choose_stores, opened
from lightspeed_core.app.takeover import import_conversations
from lightspeed_core.app.turns import Parts, open_assistant
from lightspeed_core.app.user_data import feedback_of, transcripts_of
from lightspeed_core.auth.registry import authorizer_of, open_authenticator
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.engine.llama_stack.factory import create_engine
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.files.access import Files
from lightspeed_core.ingest.handed_over import HandedOverFiles
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.user_data.feedback import FeedbackCollector


@asynccontextmanager
async def open_services(
    configuration: Configuration, on_fatal: OnFatal
) -> AsyncGenerator[Services, None]:
    """Open everything that the API calls; the engine boots beside it.

    `on_fatal` is called when the service cannot go on, for example because its engine lacks what
    the configuration relies on. Raises `ConfigurationError` for what is known at once.
    """
    metrics = Metrics()
    stores = choose_stores(configuration, metrics.turns.journaled)
    parts = _parts(configuration, stores, metrics)
    authorizer = authorizer_of(configuration.authentication, configuration.authorization)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.engine.close)
        authenticator = await stack.enter_async_context(
            open_authenticator(configuration.authentication, outbound_settings(configuration))
        )
        await stack.enter_async_context(opened(stores, configuration.quota_handlers.scheduler))
        background = await stack.enter_async_context(background_group())
        trail = open_trail(configuration.audit, metrics, background)
        audit = await stack.enter_async_context(trail)
        quotas = run_quotas(background, configuration, stores.quotas, metrics.quotas)
        mcp = mcp_of(configuration, stores.mcp_servers, metrics, background)
        assistant = await stack.enter_async_context(
            open_assistant(parts, background, quotas, (mcp.tools,))
        )
        background.create_task(import_conversations(stores.takeover, on_fatal), name="import")
        ingestion = _ingestion(configuration, parts.engine, stores)
        background.create_task(boot(parts, ingestion, configuration, on_fatal), name="boot")
        removal = removal_of(configuration, parts.store, metrics)
        schedule_sweeps(background, configuration, parts.store, removal)
        sweep_uploads(background, stores.files)
        handed_over = _handed_over(ingestion, stores, background)
        yield Services(
            configuration=configuration,
            engine=parts.engine,
            authenticator=authenticator,
            authorizer=authorizer,
            assistant=assistant,
            conversations=ConversationAccess(parts.store, removal),
            metrics=parts.metrics,
            feedback=_feedback(configuration, stores, metrics),
            prompts=stores.prompts,
            saved_prompts=SavedPrompts(stores.saved_prompts, configuration.saved_prompts),
            files=Files(stores.files),
            handed_over=handed_over,
            mcp=mcp,
            audit=audit,
            source_settings=parts.settings.sources,
        )


@asynccontextmanager
async def started_engine(configuration: Configuration) -> AsyncGenerator[Engine, None]:
    """Open the engine alone, for commands that need nothing else; raises as its `start` does."""
    engine = create_engine(engine_settings(configuration))
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def _feedback(configuration: Configuration, stores: Stores, metrics: Metrics) -> FeedbackCollector:
    return feedback_of(
        configuration,
        status=stores.feedback_status,
        conversations=stores.conversations,
        metrics=metrics,
    )


def _parts(configuration: Configuration, stores: Stores, metrics: Metrics) -> Parts:
    return Parts(
        engine=create_engine(engine_settings(configuration)),
        store=stores.conversations,
        metrics=metrics,
        settings=assistant_settings(configuration),
        transcripts=transcripts_of(configuration, metrics),
    )


def _handed_over(ingestion: Ingestion, stores: Stores, background: TaskGroup) -> HandedOverFiles:
    handed_over = HandedOverFiles(ingestion, stores.files, stores.attachments)
    background.create_task(handed_over.run(), name="attached files")
    return handed_over


def _ingestion(configuration: Configuration, engine: Engine, stores: Stores) -> Ingestion:
    return Ingestion(
        engine=engine,
        jobs=stores.jobs,
        indexed=stores.indexed_files,
        runner=JobRunner(stores.jobs),
        limits=configuration.knowledge.limits,
    )
