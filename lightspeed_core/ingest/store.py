"""The stores of ingestion: jobs, and what is known of indexed files. One truth for all workers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from lightspeed_core.errors import Conflict
from lightspeed_core.ingest.jobs import (
    Counts,
    IndexedFile,
    Job,
    JobFile,
    JobKind,
    JobState,
    NewJob,
    Signs,
)


class JobStore(Protocol):
    """Keeps jobs. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def add(self, new: NewJob) -> Job:
        """Queue work, and return its job; work that is not over yet is not queued twice.

        An earlier job of the same work that is over is forgotten.
        """
        ...

    async def find(self, job_id: str) -> Job | None:
        """Return a job, or None."""
        ...

    async def list(
        self, *, store_id: str | None = None, user_id: str | None = None
    ) -> Sequence[Job]:
        """Return the jobs of a store and of a user, or of all, the newest first."""
        ...

    async def files(self, job_id: str) -> Sequence[JobFile]:
        """Return what is known of a job's files, by name."""
        ...

    async def claim(self, job_id: str, owner: str) -> Job | None:
        """Take a job to work on it, if it is not over and nobody else holds it.

        Of several who claim it at once, one succeeds. Raises `Conflict` while a reindex and
        another job would work on one store.
        """
        ...

    async def report(
        self, job_id: str, owner: str, counts: Counts, files: Sequence[JobFile]
    ) -> Signs:
        """Note progress, keep the job for another `LEASE`, and hear whether to go on."""
        ...

    async def release(self, job_id: str, owner: str) -> None:
        """Give a job back, to be gone on with by whoever claims it next."""
        ...

    async def finish(
        self, job_id: str, owner: str, state: JobState, *, error: str | None = None
    ) -> bool:
        """End a job; false when it is no longer the owner's."""
        ...

    async def cancel(self, job_id: str) -> Job | None:
        """Ask for an end, and return the job; one that nobody works on has ended with that."""
        ...

    async def forget(self, store_id: str) -> None:
        """Forget the jobs of a store that is gone."""
        ...


class IndexedFiles(Protocol):
    """Keeps what files were like when they were indexed. Raises `StoreUnavailable`.

    It saves reading; what a vector store holds, the vector store alone knows.
    """

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def of_store(self, store_id: str) -> Mapping[str, IndexedFile]:
        """Return the files of a store, by the ids of their documents."""
        ...

    async def remember(self, store_id: str, files: Sequence[IndexedFile]) -> None:
        """Keep files, each in place of what was known of it."""
        ...

    async def forget(self, store_id: str, document_ids: Collection[str] | None = None) -> None:
        """Forget files, or all of a store."""
        ...


def excludes(one: JobKind, other: JobKind) -> bool:
    """Say whether jobs of these kinds must not work on one store at the same time."""
    return JobKind.REINDEX in {one, other}


def store_is_busy(job: Job) -> Conflict:
    """Return the error of a store on which another job works."""
    return Conflict(
        "Vector store is busy",
        f"Vector store {job.store_id} is being worked on by job {job.job_id} ({job.kind}); "
        "wait for its end, or cancel it",
    )
