"""`ingest --status` and `ingest --cancel`: what is known of jobs, and their end."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from lightspeed_core.app.ingestion import open_jobs
from lightspeed_core.cli.arguments import FAILED, PROGRAM
from lightspeed_core.cli.ingest_report import describe_job
from lightspeed_core.config.root import Configuration
from lightspeed_core.errors import LightspeedError
from lightspeed_core.ingest.jobs import Job, JobState


def tell_of_jobs(configuration: Configuration, *, cancelled: str | None, as_json: bool) -> int:
    """List the jobs, or cancel one; returns 1 when there is no such job."""
    try:
        jobs = asyncio.run(_jobs(configuration, cancelled))
    except LightspeedError as error:
        print(f"{PROGRAM}: {error.cause}", file=sys.stderr)
        return FAILED
    if as_json:
        sys.stdout.write(json.dumps({"jobs": [describe_job(job) for job in jobs]}, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{_line(job)}\n" for job in jobs) or "no jobs\n")
    if cancelled is not None and not jobs:
        print(f"{PROGRAM}: there is no job {cancelled}", file=sys.stderr)
        return FAILED
    return 0


async def _jobs(configuration: Configuration, cancelled: str | None) -> Sequence[Job]:
    async with open_jobs(configuration) as (jobs, _):
        if cancelled is None:
            return await jobs.list()
        job = await jobs.cancel(cancelled)
        return [] if job is None else [job]


def _line(job: Job) -> str:
    counts = job.counts
    told = f": {job.error}" if job.error else ""
    return (
        f"{job.job_id}  {_state(job):<11}  {job.kind:<7}  {job.store_id}  "
        f"{counts.files_done}/{counts.files_total} files, {counts.files_failed} failed, "
        f"{counts.chunks_embedded}/{counts.chunks_total} chunks{told}"
    )


def _state(job: Job) -> str:
    lease = job.lease_expires_at
    if job.state is JobState.RUNNING and lease is not None and lease < datetime.now(UTC):
        return "interrupted"
    if job.is_cancelled and not job.state.is_over:
        return "cancelling"
    return job.state.value
