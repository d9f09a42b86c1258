"""Files and the way they take into vector stores, in memory."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lightspeed_core.engine.protocol import Engine
from lightspeed_core.files.memory import MemoryAttachments, MemoryFiles
from lightspeed_core.ingest.handed_over import HandedOverFiles
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.memory import MemoryIndexedFiles, MemoryJobs
from lightspeed_core.ingest.runner import JobRunner

_HEARTBEAT = 0.02


@dataclass(frozen=True)
class SharedMemory:
    """What all workers know."""

    files: MemoryFiles = field(default_factory=MemoryFiles)
    attachments: MemoryAttachments = field(default_factory=MemoryAttachments)
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    indexed: MemoryIndexedFiles = field(default_factory=MemoryIndexedFiles)

    def worker(self, engine: Engine) -> HandedOverFiles:
        """Return one more worker over an engine."""
        jobs = self.jobs.beside()
        ingestion = Ingestion(
            engine=engine,
            jobs=jobs,
            indexed=self.indexed.beside(),
            runner=JobRunner(jobs, heartbeat=_HEARTBEAT),
        )
        return HandedOverFiles(ingestion, self.files.beside(), self.attachments.beside())

    async def add(self, name: str, content: bytes, user_id: str = "ann") -> str:
        """Hand a file over, and return its id."""

        async def parts() -> AsyncIterator[bytes]:
            yield content

        return (await self.files.add(user_id, name, parts())).file_id


def files_in_memory(engine: Engine, files: MemoryFiles) -> HandedOverFiles:
    """Return what brings the files into the stores of an engine."""
    return SharedMemory(files=files).worker(engine)


@asynccontextmanager
async def working(*workers: HandedOverFiles) -> AsyncGenerator[None]:
    """Have workers work on what is attached."""
    tasks = [asyncio.ensure_future(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
