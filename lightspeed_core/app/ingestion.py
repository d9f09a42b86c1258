"""Puts ingestion together for commands, which run beside a service or without one."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from lightspeed_core.app.services import started_engine
from lightspeed_core.app.settings import database_settings
from lightspeed_core.app.stores import ingestion_stores
from lightspeed_core.config.root import Configuration
from lightspeed_core.db.database import Database
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.ingest.store import IndexedFiles, JobStore


@asynccontextmanager
async def open_jobs(configuration: Configuration) -> AsyncGenerator[tuple[JobStore, IndexedFiles]]:
    """Open what is kept of ingestion, without the rest of a service."""
    settings = database_settings(configuration)
    jobs, indexed = ingestion_stores(None if settings is None else Database(settings))
    async with AsyncExitStack() as stack:
        for store in (jobs, indexed):
            await store.open()
            stack.push_async_callback(store.close)
        yield jobs, indexed


@asynccontextmanager
async def open_ingestion(configuration: Configuration) -> AsyncGenerator[Ingestion]:
    """Boot an engine for ingestion alone; a service may serve the same stores meanwhile.

    Raises `ConfigurationError` and `EngineUnavailable` when it does not start.
    """
    async with (
        open_jobs(configuration) as (jobs, indexed),
        started_engine(configuration) as engine,
    ):
        yield Ingestion(
            engine=engine,
            jobs=jobs,
            indexed=indexed,
            runner=JobRunner(jobs),
            limits=configuration.knowledge.limits,
        )
