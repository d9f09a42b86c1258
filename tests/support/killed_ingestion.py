"""A process that forks a child for each line on stdin; a child takes in a folder, or is killed.

Started as `python -m tests.support.killed_ingestion`. A line is a `Run` as JSON, its answer the
exit status of the child, negative for a signal. What a child did stands in the run's file.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from lightspeed_core.db.connect import SqliteSettings
from lightspeed_core.db.database import Database
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.jobs import Job, JobKind, NewJob
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.ingest.sources import Folder
from lightspeed_core.ingest.sql import SqlIndexedFiles, SqlJobs
from tests.support.kill_points import Moment, WritePoints
from tests.support.provider_stack import ProviderStack, engine_on_disk
from tests.unit.providers.faiss_hybrid.parts import STORE

CHILD_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one child does, and where it dies; without `kill_at` it ends by itself."""

    folder: str
    data: str
    told: str
    seconds_ahead: float = 0.0
    kill_at: int | None = None
    moment: str = Moment.BEFORE
    pause: float = 0.0


@asynccontextmanager
async def open_ingestion(
    data: Path, points: WritePoints | None = None, *, seconds_ahead: float = 0.0
) -> AsyncGenerator[tuple[Ingestion, ProviderStack]]:
    """Open everything that taking in needs over a directory of data."""
    ahead = timedelta(seconds=seconds_ahead)
    database = Database(SqliteSettings(path=data / "service.db"))
    jobs = SqlJobs(database, clock=lambda: datetime.now(UTC) + ahead)
    async with database, engine_on_disk(data / "knowledge.db", points) as (engine, stack):
        ingestion = Ingestion(
            engine=engine,
            jobs=jobs,
            indexed=SqlIndexedFiles(database),
            runner=JobRunner(jobs),
        )
        yield ingestion, stack


async def take_in(ingestion: Ingestion, folder: Path) -> Job:
    """Take a folder in, as ann's."""
    source = Folder(folder)
    new = NewJob(store_id=STORE, user_id="ann", kind=JobKind.INGEST, source=source.key)
    return await ingestion.take_in(await ingestion.jobs.add(new), source)


async def work(run: Run) -> dict[str, object]:
    """Do what a run says, and return what it took."""
    points = WritePoints(
        Path(run.told), kill_at=run.kill_at, moment=Moment(run.moment), pause=run.pause
    )
    points.watch()
    opened = open_ingestion(Path(run.data), points, seconds_ahead=run.seconds_ahead)
    async with opened as (ingestion, stack):
        points.arm()
        job = await take_in(ingestion, Path(run.folder))
        names = list(points.names)
    return {"state": job.state, "writes": names, "embedded": len(stack.embedded)}


def child(run: Run) -> None:
    """Work in this process, which ends with it."""
    signal.alarm(CHILD_SECONDS)
    told = asyncio.run(work(run))
    Path(run.told).write_text(json.dumps(told))
    os._exit(0)


def main() -> None:
    """Fork children one after another until stdin ends."""
    for line in sys.stdin:
        run = Run(**json.loads(line))
        process = os.fork()
        if process == 0:
            child(run)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
