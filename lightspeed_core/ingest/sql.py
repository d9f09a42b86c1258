"""The stores of ingestion in an SQL database, the same for every dialect."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final, override
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, or_, select, update

from lightspeed_core.db.database import Database
from lightspeed_core.db.locks import lock_until_commit
from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.errors import Conflict
from lightspeed_core.ingest.jobs import (
    LEASE,
    Counts,
    FileState,
    IndexedFile,
    Job,
    JobFile,
    JobKind,
    JobState,
    NewJob,
    Signs,
)
from lightspeed_core.ingest.store import IndexedFiles, JobStore, excludes, store_is_busy
from lightspeed_core.ingest.tables import indexed_files, job_files, jobs

_LOCK: Final = "lcs_ingestion"
_COUNTS: Final = tuple(field.name for field in fields(Counts))
_IS_OVER: Final = jobs.c.state.not_in([JobState.QUEUED, JobState.RUNNING])
# A database takes so many parameters in one statement and no more.
_AT_A_TIME: Final = 500


class SqlJobs(DatabaseStore, JobStore):
    """Implements `JobStore` over a database that other stores may share.

    Times go by `clock`, and without one by the database's.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(database)
        self._clock = clock or database.clock

    @override
    async def add(self, new: NewJob) -> Job:
        now = self._clock()
        # Made here, so that a write which comes again finds its own row.
        job_id = str(uuid4())
        return await self._change(lambda connection: _add(connection, new, job_id, now))

    @override
    async def find(self, job_id: str) -> Job | None:
        return await self._database.read(lambda connection: _find(connection, job_id))

    @override
    async def list(
        self, *, store_id: str | None = None, user_id: str | None = None
    ) -> Sequence[Job]:
        wanted = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id)
        if store_id is not None:
            wanted = wanted.where(jobs.c.store_id == store_id)
        if user_id is not None:
            wanted = wanted.where(jobs.c.user_id == user_id)
        return await self._database.read(
            lambda connection: [_job(row) for row in connection.execute(wanted).mappings()]
        )

    @override
    async def files(self, job_id: str) -> Sequence[JobFile]:
        wanted = select(job_files).where(job_files.c.job_id == job_id).order_by(job_files.c.name)
        return await self._database.read(
            lambda connection: [_file(row) for row in connection.execute(wanted).mappings()]
        )

    @override
    async def claim(self, job_id: str, owner: str) -> Job | None:
        await self._database.set_clock()
        now = self._clock()
        outcome = await self._change(lambda connection: _claim(connection, job_id, owner, now))
        # Raised in the transaction, it would undo the writes of others.
        if isinstance(outcome, Conflict):
            raise outcome
        return outcome

    @override
    async def report(
        self, job_id: str, owner: str, counts: Counts, files: Sequence[JobFile]
    ) -> Signs:
        now = self._clock()
        changes = {**asdict(counts), "updated_at": now, "lease_expires_at": now + LEASE}
        note = update(jobs).where(_is_of(job_id, owner)).values(changes)
        wish = select(jobs.c.is_cancelled).where(jobs.c.job_id == job_id)

        def report(connection: Connection) -> Signs:
            if not connection.execute(note).rowcount:
                return Signs(is_lost=True)
            self._keep_files(connection, job_id, files)
            return Signs(is_cancelled=bool(connection.scalar(wish)))

        return await self._database.writer.call(report)

    @override
    async def release(self, job_id: str, owner: str) -> None:
        await self._settle(job_id, owner, {"state": JobState.QUEUED.value})

    @override
    async def finish(
        self, job_id: str, owner: str, state: JobState, *, error: str | None = None
    ) -> bool:
        return await self._settle(job_id, owner, {"state": state.value, "error": error})

    @override
    async def cancel(self, job_id: str) -> Job | None:
        await self._database.set_clock()
        now = self._clock()
        wish = update(jobs).where(jobs.c.job_id == job_id, ~_IS_OVER).values(is_cancelled=True)

        def cancel(connection: Connection) -> Job | None:
            connection.execute(wish)
            _end_abandoned(connection, job_id, now)
            return _find(connection, job_id)

        return await self._change(cancel)

    @override
    async def forget(self, store_id: str) -> None:
        deletion = delete(jobs).where(jobs.c.store_id == store_id)
        await self._change(lambda connection: connection.execute(deletion))

    async def _settle(self, job_id: str, owner: str, values: dict[str, Any]) -> bool:
        changes = {**values, "updated_at": self._clock(), **_NOBODYS}
        settlement = update(jobs).where(_is_of(job_id, owner)).values(changes)
        return await self._database.writer.call(
            lambda connection: connection.execute(settlement).rowcount > 0
        )

    async def _change[T](self, work: Callable[[Connection], T]) -> T:
        """Have the writer do it while no other worker chooses among jobs."""

        def alone(connection: Connection) -> T:
            lock_until_commit(connection, _LOCK)
            return work(connection)

        return await self._database.writer.call(alone)

    def _keep_files(self, connection: Connection, job_id: str, files: Sequence[JobFile]) -> None:
        if not files:
            return
        new = insert_for(self._database.dialect, job_files)
        changed = {name: new.excluded[name] for name in ("state", "reason", "chunks")}
        upsert = new.on_conflict_do_update(index_elements=("job_id", "name"), set_=changed)
        connection.execute(upsert, [{"job_id": job_id, **asdict(file)} for file in files])


class SqlIndexedFiles(DatabaseStore, IndexedFiles):
    """Implements `IndexedFiles` over a database that other stores may share."""

    @override
    async def of_store(self, store_id: str) -> Mapping[str, IndexedFile]:
        wanted = select(indexed_files).where(indexed_files.c.store_id == store_id)

        def look(connection: Connection) -> dict[str, IndexedFile]:
            rows = [dict(row) for row in connection.execute(wanted).mappings()]
            return {row["document_id"]: _indexed(row) for row in rows}

        return await self._database.read(look)

    @override
    async def remember(self, store_id: str, files: Sequence[IndexedFile]) -> None:
        if not files:
            return
        new = insert_for(self._database.dialect, indexed_files)
        key = ("store_id", "document_id")
        changed = {column.name: column for column in new.excluded if column.name not in key}
        upsert = new.on_conflict_do_update(index_elements=key, set_=changed)
        rows = [{"store_id": store_id, **asdict(file)} for file in files]
        await self._database.writer.call(lambda connection: connection.execute(upsert, rows))

    @override
    async def forget(self, store_id: str, document_ids: Collection[str] | None = None) -> None:
        of_store = delete(indexed_files).where(indexed_files.c.store_id == store_id)
        doomed = None if document_ids is None else list(document_ids)

        def forget(connection: Connection) -> None:
            if doomed is None:
                connection.execute(of_store)
                return
            for start in range(0, len(doomed), _AT_A_TIME):
                part = doomed[start : start + _AT_A_TIME]
                connection.execute(of_store.where(indexed_files.c.document_id.in_(part)))

        await self._database.writer.call(forget)


_NOBODYS: Final = {"lease_owner": None, "lease_expires_at": None}


def _is_of(job_id: str, owner: str) -> ColumnElement[bool]:
    return and_(jobs.c.job_id == job_id, jobs.c.lease_owner == owner, ~_IS_OVER)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(jobs.c.lease_expires_at.is_(None), jobs.c.lease_expires_at <= now)


def _add(connection: Connection, new: NewJob, job_id: str, now: datetime) -> Job:
    is_same = and_(
        jobs.c.store_id == new.store_id,
        jobs.c.user_id == new.user_id,
        jobs.c.kind == new.kind,
        jobs.c.source == new.source,
    )
    # First of all, for with its first write a transaction keeps other writers out.
    connection.execute(delete(jobs).where(is_same, _IS_OVER))
    row = connection.execute(select(jobs).where(is_same)).mappings().first()
    if row is not None:
        return _job(row)
    job = Job(
        job_id=job_id,
        store_id=new.store_id,
        user_id=new.user_id,
        kind=new.kind,
        source=new.source,
        state=JobState.QUEUED,
        counts=Counts(),
        created_at=now,
        updated_at=now,
    )
    described = asdict(job)
    counts = described.pop("counts")
    connection.execute(jobs.insert(), {**described, **counts})
    return job


def _end_abandoned(connection: Connection, job_id: str, now: datetime) -> None:
    """End a job that is to be cancelled and that nobody works on."""
    connection.execute(
        update(jobs)
        .where(jobs.c.job_id == job_id, ~_IS_OVER, jobs.c.is_cancelled, _is_free(now))
        .values(state=JobState.CANCELLED.value, updated_at=now, **_NOBODYS)
    )


def _claim(connection: Connection, job_id: str, owner: str, now: datetime) -> Job | Conflict | None:
    _end_abandoned(connection, job_id, now)
    job = _find(connection, job_id)
    if job is None or job.state.is_over:
        return None
    others = select(jobs).where(
        jobs.c.store_id == job.store_id, jobs.c.job_id != job_id, ~_IS_OVER, ~_is_free(now)
    )
    for other in (_job(row) for row in connection.execute(others).mappings()):
        if excludes(job.kind, other.kind):
            return store_is_busy(other)
    lease = {"lease_owner": owner, "lease_expires_at": now + LEASE}
    taking = (
        update(jobs)
        .where(jobs.c.job_id == job_id, ~_IS_OVER, or_(_is_free(now), jobs.c.lease_owner == owner))
        .values(state=JobState.RUNNING.value, updated_at=now, **lease)
    )
    if not connection.execute(taking).rowcount:
        return None
    # What is known of its files is found anew.
    connection.execute(delete(job_files).where(job_files.c.job_id == job_id))
    return _find(connection, job_id)


def _find(connection: Connection, job_id: str) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).mappings().one_or_none()
    return None if row is None else _job(row)


def _job(row: RowMapping) -> Job:
    return Job(
        job_id=row["job_id"],
        store_id=row["store_id"],
        user_id=row["user_id"],
        kind=JobKind(row["kind"]),
        source=row["source"],
        state=JobState(row["state"]),
        counts=Counts(**{name: row[name] for name in _COUNTS}),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        error=row["error"],
        is_cancelled=row["is_cancelled"],
        lease_expires_at=row["lease_expires_at"],
    )


def _file(row: RowMapping) -> JobFile:
    return JobFile(
        name=row["name"],
        state=FileState(row["state"]),
        reason=row["reason"],
        chunks=row["chunks"],
    )


def _indexed(row: dict[str, Any]) -> IndexedFile:
    del row["store_id"]
    return IndexedFile(**row)
