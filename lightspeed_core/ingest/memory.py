"""The stores of ingestion in memory, until the process ends."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import override
from uuid import uuid4

from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.ingest.jobs import (
    LEASE,
    Counts,
    IndexedFile,
    Job,
    JobFile,
    JobState,
    NewJob,
    Signs,
)
from lightspeed_core.ingest.store import IndexedFiles, JobStore, excludes, store_is_busy


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Kept:
    job: Job
    owner: str | None = None
    files: dict[str, JobFile] = field(default_factory=dict[str, JobFile])

    def is_free(self, now: datetime) -> bool:
        return self.job.lease_expires_at is None or self.job.lease_expires_at <= now


class MemoryJobs(MemoryStore, JobStore):
    """Implements `JobStore`."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        # In the order in which they came.
        self._kept: dict[str, _Kept] = {}

    def beside(self) -> "MemoryJobs":
        """Return another worker on the same memory."""
        other = MemoryJobs(self._clock)
        other._kept = self._kept
        return other

    @override
    async def add(self, new: NewJob) -> Job:
        for job in [kept.job for kept in self._kept.values()]:
            known = NewJob(
                store_id=job.store_id, user_id=job.user_id, kind=job.kind, source=job.source
            )
            if known == new and not job.state.is_over:
                return job
            if known == new:
                del self._kept[job.job_id]
        now = self._clock()
        job = Job(
            job_id=str(uuid4()),
            store_id=new.store_id,
            user_id=new.user_id,
            kind=new.kind,
            source=new.source,
            state=JobState.QUEUED,
            counts=Counts(),
            created_at=now,
            updated_at=now,
        )
        self._kept[job.job_id] = _Kept(job)
        return job

    @override
    async def find(self, job_id: str) -> Job | None:
        kept = self._kept.get(job_id)
        return None if kept is None else kept.job

    @override
    async def list(
        self, *, store_id: str | None = None, user_id: str | None = None
    ) -> Sequence[Job]:
        newest_first = reversed([kept.job for kept in self._kept.values()])
        return [
            job
            for job in newest_first
            if store_id in {None, job.store_id} and user_id in {None, job.user_id}
        ]

    @override
    async def files(self, job_id: str) -> Sequence[JobFile]:
        kept = self._kept.get(job_id)
        return [] if kept is None else [kept.files[name] for name in sorted(kept.files)]

    @override
    async def claim(self, job_id: str, owner: str) -> Job | None:
        kept, now = self._kept.get(job_id), self._clock()
        if kept is None:
            return None
        self._end_abandoned(kept, now)
        if kept.job.state.is_over:
            return None
        for other in self._kept.values():
            is_beside = other is not kept and other.job.store_id == kept.job.store_id
            is_held = not other.job.state.is_over and not other.is_free(now)
            if is_beside and is_held and excludes(kept.job.kind, other.job.kind):
                raise store_is_busy(other.job)
        if not kept.is_free(now) and kept.owner != owner:
            return None
        kept.owner, kept.files = owner, {}
        kept.job = replace(
            kept.job, state=JobState.RUNNING, updated_at=now, lease_expires_at=now + LEASE
        )
        return kept.job

    @override
    async def report(
        self, job_id: str, owner: str, counts: Counts, files: Sequence[JobFile]
    ) -> Signs:
        kept, now = self._held(job_id, owner), self._clock()
        if kept is None:
            return Signs(is_lost=True)
        kept.job = replace(kept.job, counts=counts, updated_at=now, lease_expires_at=now + LEASE)
        kept.files |= {file.name: file for file in files}
        return Signs(is_cancelled=kept.job.is_cancelled)

    @override
    async def release(self, job_id: str, owner: str) -> None:
        self._settle(job_id, owner, JobState.QUEUED, None)

    @override
    async def finish(
        self, job_id: str, owner: str, state: JobState, *, error: str | None = None
    ) -> bool:
        return self._settle(job_id, owner, state, error)

    @override
    async def cancel(self, job_id: str) -> Job | None:
        kept, now = self._kept.get(job_id), self._clock()
        if kept is None:
            return None
        if not kept.job.state.is_over:
            kept.job = replace(kept.job, is_cancelled=True)
            self._end_abandoned(kept, now)
        return kept.job

    @override
    async def forget(self, store_id: str) -> None:
        for job in await self.list(store_id=store_id):
            del self._kept[job.job_id]

    def _held(self, job_id: str, owner: str) -> _Kept | None:
        kept = self._kept.get(job_id)
        is_held = kept is not None and kept.owner == owner and not kept.job.state.is_over
        return kept if is_held else None

    def _end_abandoned(self, kept: _Kept, now: datetime) -> None:
        if kept.job.is_cancelled and kept.is_free(now) and not kept.job.state.is_over:
            self._end(kept, JobState.CANCELLED, None)

    def _settle(self, job_id: str, owner: str, state: JobState, error: str | None) -> bool:
        kept = self._held(job_id, owner)
        if kept is None:
            return False
        self._end(kept, state, error)
        return True

    def _end(self, kept: _Kept, state: JobState, error: str | None) -> None:
        kept.owner = None
        kept.job = replace(
            kept.job, state=state, error=error, updated_at=self._clock(), lease_expires_at=None
        )


class MemoryIndexedFiles(MemoryStore, IndexedFiles):
    """Implements `IndexedFiles`."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, IndexedFile]] = {}

    def beside(self) -> "MemoryIndexedFiles":
        """Return another worker on the same memory."""
        other = MemoryIndexedFiles()
        other._files = self._files
        return other

    @override
    async def of_store(self, store_id: str) -> Mapping[str, IndexedFile]:
        return dict(self._files.get(store_id, {}))

    @override
    async def remember(self, store_id: str, files: Sequence[IndexedFile]) -> None:
        held = self._files.setdefault(store_id, {})
        held |= {file.document_id: file for file in files}

    @override
    async def forget(self, store_id: str, document_ids: Collection[str] | None = None) -> None:
        held = self._files.get(store_id, {})
        for document_id in list(held) if document_ids is None else document_ids:
            held.pop(document_id, None)
