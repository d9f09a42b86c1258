"""Works on jobs: takes them, reports, and ends with them, whatever happens meanwhile.

It knows what a job needs of its store and nothing of how the work is done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from uuid import uuid4

from lightspeed_core.errors import Conflict, LightspeedError
from lightspeed_core.ingest.jobs import Job, JobState
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.store import JobStore

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
"""How often progress is reported; a wish to cancel is heard as fast."""

type Work = Callable[[Progress], Awaitable[None]]


class _Hold(NamedTuple):
    """A job that is worked on, and the name under which it is."""

    job_id: str
    owner: str


class JobRunner:
    """Works on jobs; several may share a store of jobs."""

    def __init__(self, jobs: JobStore, *, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._jobs = jobs
        self._heartbeat = heartbeat

    async def run(self, job: Job, work: Work, progress: Progress | None = None) -> Job:
        """Do the work of a job, and return it as it ended.

        An error of the work ends the job as failed, and is told by it. When this call is cancelled
        the job is given back, to be gone on with. Raises `Conflict` when somebody else works on it
        or when another job keeps its store busy.
        """
        hold = _Hold(job.job_id, str(uuid4()))
        claimed = await self._jobs.claim(*hold)
        if claimed is None:
            found = await self._jobs.find(job.job_id)
            if found is not None and found.state.is_over:
                return found
            raise Conflict("Job is being worked on", f"Another process works on job {job.job_id}")
        logger.info("job begun job_id=%s kind=%s store_id=%s", job.job_id, job.kind, job.store_id)
        progress = progress or Progress()
        try:
            state, error = await self._work(hold, work, progress)
        except asyncio.CancelledError:
            await self._report(hold, progress)
            await self._jobs.release(*hold)
            logger.info("job given back job_id=%s", job.job_id)
            raise
        await self._report(hold, progress)
        if not await self._jobs.finish(*hold, state, error=error):
            logger.warning("job was taken over by another process job_id=%s", job.job_id)
        logger.info("job ended job_id=%s state=%s %s", job.job_id, state, progress.counts)
        return await self._jobs.find(job.job_id) or claimed

    async def _work(
        self, hold: _Hold, work: Work, progress: Progress
    ) -> tuple[JobState, str | None]:
        """Work until the end, or until the job is cancelled or lost."""
        async with asyncio.TaskGroup() as group:
            attempt = group.create_task(_attempt(work, progress), name="job")
            beat = group.create_task(self._keep_alive(hold, progress, attempt), name="job lease")
            attempt.add_done_callback(lambda _: beat.cancel())
        if attempt.cancelled():
            return JobState.CANCELLED, None
        error = attempt.result()
        return (JobState.COMPLETED, None) if error is None else (JobState.FAILED, error)

    async def _keep_alive(
        self, hold: _Hold, progress: Progress, attempt: "asyncio.Task[str | None]"
    ) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            if await self._report(hold, progress):
                attempt.cancel()
                return

    async def _report(self, hold: _Hold, progress: Progress) -> bool:
        """Report; true when the job is to be left alone."""
        files = progress.take_files()
        try:
            signs = await self._jobs.report(*hold, progress.counts, files)
        except LightspeedError as error:
            progress.give_back(files)
            logger.warning("progress not stored job_id=%s: %s", hold.job_id, error)
            return False
        return signs.is_cancelled or signs.is_lost


async def _attempt(work: Work, progress: Progress) -> str | None:
    """Do the work; return the reason when it fails as a whole."""
    try:
        await work(progress)
    except LightspeedError as error:
        logger.warning("job failed: %s", error)
        return error.cause
    except Exception:
        logger.exception("job failed")
        return "a fault of the service; its log says more"
    return None
