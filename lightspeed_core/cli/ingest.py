"""The subcommands `ingest` and `reindex`: jobs that are watched, and what became of them."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from lightspeed_core.app.ingestion import open_ingestion
from lightspeed_core.cli.arguments import FAILED, PROGRAM
from lightspeed_core.cli.ingest_report import Outcome, render_json, render_text
from lightspeed_core.cli.progress_view import ProgressView, open_view
from lightspeed_core.config.data_directory import create_data_directory
from lightspeed_core.config.root import Configuration
from lightspeed_core.errors import (
    ConfigurationError,
    Conflict,
    LightspeedError,
    NotFound,
)
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.jobs import SERVICE_USER, Job, JobKind, JobState, NewJob
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.reindex import wanted_model
from lightspeed_core.ingest.sources import Joined, source_of
from lightspeed_core.ingest.synchronize import find_store

INTERRUPTED: Final = 130
_GRACE_SECONDS: Final = 1.0

type Work = Callable[[Job, Progress], Awaitable[Job]]
type Plan = Callable[[Ingestion], Awaitable[Planned]]


class Planned(NamedTuple):
    """What a command will do, once it has found its store."""

    store_id: str
    kind: JobKind
    source: str
    work: Work


def ingest(
    configuration: Configuration, paths: Sequence[Path], store: str, *, as_json: bool
) -> int:
    """Take paths into a store; returns 1 when something was not taken in.

    Raises `ConfigurationError` for what cannot be used at all.
    """
    try:
        source = Joined(tuple(source_of(path) for path in paths))
    except NotFound as error:
        return _complain(error)

    async def plan(ingestion: Ingestion) -> Planned:
        found = await ingestion.store_named(store)

        async def work(job: Job, progress: Progress) -> Job:
            return await ingestion.take_in(job, source, progress=progress)

        return Planned(found.store_id, JobKind.INGEST, source.key, work)

    return _run(configuration, plan, as_json=as_json)


def reindex(configuration: Configuration, store: str, model: str | None, *, as_json: bool) -> int:
    """Build the index of a store anew; returns 1 when the old one still serves.

    Raises `ConfigurationError` for what cannot be used at all.
    """

    async def plan(ingestion: Ingestion) -> Planned:
        found = await ingestion.store_known(store)
        wanted = wanted_model(found, model)

        async def work(job: Job, progress: Progress) -> Job:
            return await ingestion.reindex(job, wanted, progress=progress)

        return Planned(found.store_id, JobKind.REINDEX, wanted, work)

    return _run(configuration, plan, as_json=as_json)


def _run(configuration: Configuration, plan: Plan, *, as_json: bool) -> int:
    if configuration.data_directory is not None:
        create_data_directory(configuration.data_directory)
    try:
        with asyncio.Runner() as runner:
            outcome = runner.run(_watched(configuration, plan, is_shown=not as_json))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(
            f"{PROGRAM}: interrupted; what was done stays, and the same command goes on",
            file=sys.stderr,
        )
        return INTERRUPTED
    except ConfigurationError:
        raise
    except LightspeedError as error:
        return _complain(error)
    sys.stdout.write(render_json(outcome) if as_json else render_text(outcome))
    is_whole = outcome.job.state is JobState.COMPLETED and not outcome.job.counts.files_failed
    return 0 if is_whole else FAILED


async def _watched(configuration: Configuration, plan: Plan, *, is_shown: bool) -> Outcome:
    with _ending_on_termination(), open_view(is_shown=is_shown) as view:
        began = time.monotonic()
        async with open_ingestion(configuration) as ingestion:
            planned = await plan(ingestion)
            job = await ingestion.jobs.add(
                NewJob(
                    store_id=planned.store_id,
                    user_id=SERVICE_USER,
                    kind=planned.kind,
                    source=planned.source,
                )
            )
            try:
                job = await _work(ingestion, job, planned.work, view)
            except asyncio.CancelledError:
                await ingestion.jobs.cancel(job.job_id)
                raise
            return Outcome(
                job=job,
                store=await find_store(ingestion.engine, job.store_id),
                files=tuple(await ingestion.jobs.files(job.job_id)),
                seconds=time.monotonic() - began,
            )


async def _work(ingestion: Ingestion, job: Job, work: Work, view: ProgressView) -> Job:
    """Work on the job, once whoever worked on it before is known to be dead."""
    progress = Progress(view.show)
    awaited: datetime | None = None
    while True:
        try:
            return await work(job, progress)
        except Conflict:
            found = await ingestion.jobs.find(job.job_id)
            lease = found.lease_expires_at if found else None
            if lease is None or (awaited is not None and lease > awaited):
                raise
        view.say("an earlier run of this command was interrupted or still works: waiting for it")
        awaited = lease
        left = (lease - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(left, 0) + _GRACE_SECONDS)


@contextmanager
def _ending_on_termination() -> Generator[None]:
    """Let a request to end the process end the work as an interrupt would."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _complain(error: LightspeedError) -> int:
    print(f"{PROGRAM}: {error.cause}", file=sys.stderr)
    return FAILED
