"""The one way into vector stores, for commands, folders and the API: by jobs."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import UNFINISHED_SUFFIX, NewVectorStore, VectorStoreInfo
from lightspeed_core.errors import Conflict, InvalidRequest, LightspeedError, NotFound
from lightspeed_core.ingest.jobs import SERVICE_USER, Job, JobKind, NewJob
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.reindex import reindex
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.ingest.sources import Source
from lightspeed_core.ingest.store import IndexedFiles, JobStore
from lightspeed_core.ingest.synchronize import OnText, Target, synchronize

logger = logging.getLogger(__name__)

# How often it is looked whether another worker has done what this one would do.
_LOOK_AGAIN_SECONDS: Final = 1.0


def _ignore() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestion:
    """Takes documents into stores of the engine; `runner` works on the jobs of `jobs`."""

    engine: Engine
    jobs: JobStore
    indexed: IndexedFiles
    runner: JobRunner
    limits: ParseLimits = field(default_factory=ParseLimits)

    async def store_named(self, name: str) -> VectorStoreInfo:
        """Return the store that has this id, else this name; it is made where there is none.

        Raises `InvalidRequest` for a name that a store cannot have.
        """
        if name.endswith(UNFINISHED_SUFFIX):
            raise InvalidRequest(
                "Invalid request", f"The name of a vector store cannot end with {UNFINISHED_SUFFIX}"
            )
        if (found := await self._find_store(name)) is not None:
            return found
        try:
            made = await self._make_store(name)
        except Conflict:  # another process was faster
            if (found := await self._find_store(name)) is None:
                raise
            return found
        logger.info("vector store made store_id=%s model=%s", made.store_id, made.embedding_model)
        return made

    async def store_known(self, name: str) -> VectorStoreInfo:
        """Return the store that has this id, else this name. Raises `NotFound`."""
        found = await self._find_store(name)
        if found is None:
            raise NotFound("vector store", name)
        return found

    async def take_in(
        self,
        job: Job,
        source: Source,
        *,
        progress: Progress | None = None,
        on_text: OnText = _ignore,
    ) -> Job:
        """Do the work of a job that brings its store up to date with a source; see `JobRunner`."""
        opened = nullcontext(source)
        return await self.take_in_opened(job, opened, progress=progress, on_text=on_text)

    async def take_in_opened(
        self,
        job: Job,
        opened: AbstractAsyncContextManager[Source],
        *,
        progress: Progress | None = None,
        on_text: OnText = _ignore,
    ) -> Job:
        """Do the same with a source that is there for the time of the work.

        It is not opened when somebody else works on the job; a failure to open it is the job's.
        """
        target = Target(
            engine=self.engine, store_id=job.store_id, indexed=self.indexed, limits=self.limits
        )

        async def work(progress: Progress) -> None:
            async with opened as source:
                await synchronize(target, source, progress, on_text=on_text)

        return await self.runner.run(job, work, progress)

    async def reindex(self, job: Job, model: str, *, progress: Progress | None = None) -> Job:
        """Do the work of a job that builds the index of its store anew with a model."""

        async def work(progress: Progress) -> None:
            await reindex(self.engine, job.store_id, model, progress)

        return await self.runner.run(job, work, progress)

    async def keep(self, store_id: str, source: Source, *, on_text: OnText = _ignore) -> None:
        """Have a source in a store, by this worker or another; never fails, may be cancelled.

        What a cancellation, a crash or a failure leaves undone is done by the next call. `on_text`
        is called when there is something to find, or nothing will come.
        """
        try:
            await self._keep(store_id, source, on_text)
        except LightspeedError as error:
            logger.warning("documents not indexed store_id=%s: %s", store_id, error)
        finally:
            on_text()

    async def _keep(self, store_id: str, source: Source, on_text: OnText) -> None:
        job = await self.jobs.add(
            NewJob(store_id=store_id, user_id=SERVICE_USER, kind=JobKind.SYNC, source=source.key)
        )
        while not job.state.is_over:
            try:
                job = await self.take_in(job, source, on_text=on_text)
            except Conflict:
                documents = await self.engine.documents(store_id)
                if any(source.owns(each.document_id) for each in documents):
                    on_text()
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
                found = await self.jobs.find(job.job_id)
                if found is None:
                    return
                job = found

    async def _make_store(self, name: str) -> VectorStoreInfo:
        try:
            return await self.engine.create_vector_store(NewVectorStore(name=name, store_id=name))
        except InvalidRequest:  # a server chooses ids itself
            return await self.engine.create_vector_store(NewVectorStore(name=name))

    async def _find_store(self, name: str) -> VectorStoreInfo | None:
        stores = await self.engine.vector_stores()
        by_id = (store for store in stores if store.store_id == name)
        by_name = (store for store in stores if store.name == name)
        return next(by_id, None) or next(by_name, None)
