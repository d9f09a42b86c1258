"""The whole service in this process, on real stores, over an engine that answers from a script."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from lightspeed_core.api.state import Services
from lightspeed_core.app.background import background_group
from lightspeed_core.app.factory import stop_process
from lightspeed_core.app.mcp import mcp_of
from lightspeed_core.app.retention import removal_of
from lightspeed_core.app.settings import assistant_settings
from lightspeed_core.app.stores import choose_stores, opened
from lightspeed_core.app.takeover import import_conversations
from lightspeed_core.app.turns import Parts, open_assistant
from lightspeed_core.app.user_data import feedback_of, transcripts_of
from lightspeed_core.auth.authorizer import OpenAuthorizer
from lightspeed_core.auth.modules.noop import NoopAuthenticator
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.db.connect import DatabaseSettings
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.observability.metrics import Metrics
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.quota.account import QuotasOfRoutes
from tests.support.asgi import BOUND_SECONDS, build_app, client_of
from tests.support.audit import HeardTrail
from tests.support.collecting import database_section
from tests.support.handing_over import files_in_memory
from tests.support.scripted_engine import ScriptedEngine


@dataclass
class Whole:
    """A service, a client of it, and what a test looks into."""

    client: httpx2.AsyncClient
    engine: ScriptedEngine
    services: Services
    trail: HeardTrail
    root: Path

    @property
    def feedback(self) -> Path:
        """The directory of feedback."""
        return self.root / "feedback"

    @property
    def transcripts(self) -> Path:
        """The directory of transcripts."""
        return self.root / "transcripts"


@asynccontextmanager
async def whole_service(
    root: Path, database: DatabaseSettings, **sections: Any
) -> AsyncGenerator[Whole]:
    """Run a service whose files are below `root`; `sections` are more of its configuration."""
    configuration = Configuration.model_validate(
        {
            "name": "whole",
            "service": {},
            "llama_stack": {"url": "http://localhost:8321"},
            "database": database_section(database),
            "user_data_collection": {
                "feedback_enabled": True,
                "feedback_storage": str(root / "feedback"),
                "transcripts_enabled": True,
                "transcripts_storage": str(root / "transcripts"),
            },
        }
        | sections
    )
    engine, metrics, trail = ScriptedEngine(), Metrics(), HeardTrail()
    stores = choose_stores(configuration)
    parts = Parts(
        engine=engine,
        store=stores.conversations,
        metrics=metrics,
        settings=assistant_settings(configuration),
        transcripts=transcripts_of(configuration, metrics),
    )
    parts.text_stored.set()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(stores, configuration.quota_handlers.scheduler))
        background = await stack.enter_async_context(background_group())
        background.create_task(import_conversations(stores.takeover, stop_process))
        mcp = mcp_of(configuration, stores.mcp_servers, metrics, background)
        assistant = await stack.enter_async_context(
            open_assistant(parts, background, QuotasOfRoutes(), (mcp.tools,))
        )
        services = Services(
            configuration=configuration,
            engine=engine,
            authenticator=NoopAuthenticator(),
            authorizer=OpenAuthorizer(),
            assistant=assistant,
            conversations=ConversationAccess(
                parts.store, removal_of(configuration, parts.store, metrics)
            ),
            metrics=metrics,
            feedback=feedback_of(
                configuration,
                status=stores.feedback_status,
                conversations=parts.store,
                metrics=metrics,
            ),
            prompts=stores.prompts,
            saved_prompts=SavedPrompts(stores.saved_prompts, configuration.saved_prompts),
            files=Files(stores.files),
            handed_over=files_in_memory(engine, MemoryFiles()),
            mcp=mcp,
            audit=trail,
        )
        async with asyncio.timeout(BOUND_SECONDS):
            while not parts.store.is_complete:
                await asyncio.sleep(0.01)
        client = await stack.enter_async_context(client_of(build_app(services)))
        yield Whole(client, engine, services, trail, root)
