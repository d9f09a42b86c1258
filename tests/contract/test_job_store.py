"""Jobs of ingestion and what is known of indexed files, over every store, as several workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightspeed_core.db.database import Database
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
from lightspeed_core.ingest.memory import MemoryIndexedFiles, MemoryJobs
from lightspeed_core.ingest.sql import SqlIndexedFiles, SqlJobs
from lightspeed_core.ingest.store import IndexedFiles, JobStore
from tests.contract.conftest import settings_for
from tests.support.databases import NOON, STORE_KINDS, ManualClock, open_stores

pytestmark = pytest.mark.requirement("store.jobs")

NEW = NewJob(store_id="manuals", user_id="ann", kind=JobKind.INGEST, source="docs@1\nmore@2")
COUNTS = Counts(
    files_total=7,
    files_done=6,
    files_unchanged=2,
    files_failed=1,
    files_deleted=3,
    chunks_total=90,
    chunks_embedded=50,
)
GUIDE = IndexedFile(
    document_id="docs@1/guide.md",
    stamp="12:34:56",
    file_hash="f" * 64,
    form="1 https://docs.example.com/guide.md",
    content_hash="c" * 64,
    chunks=4,
)
LONG_AFTER = LEASE.total_seconds() + 1

type NewJobs = Callable[[], Awaitable[JobStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_jobs(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[NewJobs]:
    settings = settings_for(str(request.param), request, tmp_path)

    def over(database: Database) -> SqlJobs:
        return SqlJobs(database, clock=clock)

    async with open_stores(settings, MemoryJobs(clock).beside, over) as new_store:
        yield new_store


@pytest.fixture
async def jobs(new_jobs: NewJobs) -> JobStore:
    return await new_jobs()


@pytest.fixture
async def others(new_jobs: NewJobs) -> JobStore:
    """A second worker beside `jobs`."""
    return await new_jobs()


async def test_a_job_is_queued_and_read_on_every_worker(jobs: JobStore, others: JobStore) -> None:
    job = await jobs.add(NEW)
    assert job == Job(
        job_id=job.job_id,
        store_id="manuals",
        user_id="ann",
        kind=JobKind.INGEST,
        source="docs@1\nmore@2",
        state=JobState.QUEUED,
        counts=Counts(),
        created_at=NOON,
        updated_at=NOON,
    )
    assert await others.find(job.job_id) == job
    assert await others.find("unknown") is None


async def test_the_same_work_is_queued_once_until_it_is_over(
    jobs: JobStore, others: JobStore
) -> None:
    job = await jobs.add(NEW)
    assert await others.add(NEW) == job
    await jobs.claim(job.job_id, "one")
    assert (await others.add(NEW)).job_id == job.job_id
    await jobs.finish(job.job_id, "one", JobState.COMPLETED)
    again = await others.add(NEW)
    assert again.job_id != job.job_id
    assert await jobs.find(job.job_id) is None


async def test_work_of_others_or_on_something_else_is_other_work(jobs: JobStore) -> None:
    queued = {
        (await jobs.add(new)).job_id
        for new in (
            NEW,
            replace(NEW, user_id="ben"),
            replace(NEW, store_id="other"),
            replace(NEW, kind=JobKind.SYNC),
            replace(NEW, source="docs@1"),
        )
    }
    assert len(queued) == 5


async def test_of_many_who_queue_the_same_work_at_once_all_get_one_job(
    jobs: JobStore, others: JobStore
) -> None:
    queued = await asyncio.gather(*(worker.add(NEW) for worker in (jobs, others) * 8))
    assert len({job.job_id for job in queued}) == 1
    assert len(await jobs.list()) == 1


@pytest.mark.attack(22)
async def test_jobs_are_listed_by_store_and_user_with_the_newest_first(
    jobs: JobStore, clock: ManualClock
) -> None:
    anns = await jobs.add(NEW)
    clock.advance(1)
    bens = await jobs.add(replace(NEW, user_id="ben"))
    clock.advance(1)
    other = await jobs.add(replace(NEW, store_id="other"))
    assert await jobs.list() == [other, bens, anns]
    assert await jobs.list(user_id="ann") == [other, anns]
    assert await jobs.list(user_id="ben") == [bens]
    assert await jobs.list(store_id="manuals") == [bens, anns]
    assert await jobs.list(store_id="manuals", user_id="ann") == [anns]
    assert await jobs.list(user_id="eve") == []


async def test_of_many_who_claim_a_job_at_once_one_succeeds(
    jobs: JobStore, others: JobStore
) -> None:
    job = await jobs.add(NEW)
    claims = [
        worker.claim(job.job_id, f"worker {number}")
        for number, worker in enumerate((jobs, others) * 8)
    ]
    won = [claimed for claimed in await asyncio.gather(*claims) if claimed is not None]
    assert [claimed.state for claimed in won] == [JobState.RUNNING]
    assert won[0].lease_expires_at == NOON + LEASE


@pytest.mark.attack(22)
async def test_a_job_of_a_dead_worker_is_taken_over_under_its_user(
    jobs: JobStore, others: JobStore, clock: ManualClock
) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    clock.advance(LONG_AFTER)
    taken = await others.claim(job.job_id, "two")
    assert taken is not None
    assert (taken.user_id, taken.state) == ("ann", JobState.RUNNING)
    assert await jobs.report(job.job_id, "one", COUNTS, ()) == Signs(is_lost=True)
    assert not await jobs.finish(job.job_id, "one", JobState.COMPLETED)
    assert (await jobs.find(job.job_id)) == taken


async def test_who_reports_keeps_the_job(
    jobs: JobStore, others: JobStore, clock: ManualClock
) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    for _ in range(3):
        clock.advance(LEASE.total_seconds() - 1)
        assert await jobs.report(job.job_id, "one", COUNTS, ()) == Signs()
        assert await others.claim(job.job_id, "two") is None
    found = await others.find(job.job_id)
    assert found is not None
    assert (found.counts, found.updated_at) == (COUNTS, clock())


async def test_what_became_of_files_is_read_by_name(jobs: JobStore, others: JobStore) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    begun = JobFile(name="b.md", state=FileState.RUNNING, chunks=3)
    await jobs.report(job.job_id, "one", COUNTS, [begun])
    failed = JobFile(name="a'; --.md", state=FileState.FAILED, reason="it is no text: 日本")
    indexed = replace(begun, state=FileState.INDEXED)
    await jobs.report(job.job_id, "one", COUNTS, [failed, indexed])
    assert await others.files(job.job_id) == [failed, indexed]
    assert await others.files("unknown") == []


async def test_a_job_that_is_begun_anew_has_no_files_of_before(
    jobs: JobStore, clock: ManualClock
) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    await jobs.report(job.job_id, "one", COUNTS, [JobFile(name="a", state=FileState.FAILED)])
    clock.advance(LONG_AFTER)
    await jobs.claim(job.job_id, "two")
    assert await jobs.files(job.job_id) == []


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED])
async def test_a_job_that_is_over_stays_so(jobs: JobStore, state: JobState) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    assert await jobs.finish(job.job_id, "one", state, error="why")
    ended = await jobs.find(job.job_id)
    assert ended is not None
    assert (ended.state, ended.error, ended.lease_expires_at) == (state, "why", None)
    assert await jobs.claim(job.job_id, "two") is None
    assert await jobs.cancel(job.job_id) == ended
    assert not await jobs.finish(job.job_id, "one", JobState.COMPLETED)


async def test_a_job_that_was_given_back_is_free_at_once(jobs: JobStore, others: JobStore) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    await others.release(job.job_id, "two")
    assert await others.claim(job.job_id, "two") is None
    await jobs.release(job.job_id, "one")
    assert await others.claim(job.job_id, "two") is not None


async def test_a_wish_to_cancel_is_heard_by_whoever_works(jobs: JobStore, others: JobStore) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    wished = await others.cancel(job.job_id)
    assert wished is not None
    assert (wished.state, wished.is_cancelled) == (JobState.RUNNING, True)
    assert await jobs.report(job.job_id, "one", COUNTS, ()) == Signs(is_cancelled=True)
    assert await others.cancel("unknown") is None


async def test_a_job_that_nobody_works_on_is_cancelled_at_once(
    jobs: JobStore, clock: ManualClock
) -> None:
    queued = await jobs.add(NEW)
    ended = await jobs.cancel(queued.job_id)
    assert ended is not None
    assert ended.state is JobState.CANCELLED
    abandoned = await jobs.add(NEW)
    await jobs.claim(abandoned.job_id, "one")
    clock.advance(LONG_AFTER)
    ended = await jobs.cancel(abandoned.job_id)
    assert ended is not None
    assert ended.state is JobState.CANCELLED


async def test_a_job_whose_worker_died_before_it_heard_the_wish_is_over(
    jobs: JobStore, clock: ManualClock
) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    await jobs.cancel(job.job_id)
    clock.advance(LONG_AFTER)
    assert await jobs.claim(job.job_id, "two") is None
    assert (await jobs.add(NEW)).job_id != job.job_id


async def test_a_reindex_and_other_work_exclude_each_other_on_one_store(
    jobs: JobStore, others: JobStore, clock: ManualClock
) -> None:
    reindex = await jobs.add(replace(NEW, kind=JobKind.REINDEX, source=""))
    ingest, second = await jobs.add(NEW), await jobs.add(replace(NEW, source="more"))
    await jobs.claim(ingest.job_id, "one")
    assert await others.claim(second.job_id, "two") is not None
    with pytest.raises(Conflict, match="is being worked on by job"):
        await others.claim(reindex.job_id, "three")
    await jobs.finish(ingest.job_id, "one", JobState.COMPLETED)
    await others.finish(second.job_id, "two", JobState.COMPLETED)
    assert await others.claim(reindex.job_id, "three") is not None
    with pytest.raises(Conflict):
        await jobs.claim((await jobs.add(NEW)).job_id, "one")
    clock.advance(LONG_AFTER)
    assert await jobs.claim((await jobs.add(NEW)).job_id, "one") is not None


async def test_jobs_of_a_store_that_is_gone_are_forgotten(jobs: JobStore) -> None:
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "one")
    await jobs.report(job.job_id, "one", COUNTS, [JobFile(name="a", state=FileState.FAILED)])
    kept = await jobs.add(replace(NEW, store_id="other"))
    await jobs.forget("manuals")
    assert await jobs.list() == [kept]
    assert await jobs.files(job.job_id) == []


type NewIndexed = Callable[[], Awaitable[IndexedFiles]]


@pytest.fixture(params=STORE_KINDS)
async def new_indexed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewIndexed]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemoryIndexedFiles().beside, SqlIndexedFiles) as new_store:
        yield new_store


async def test_indexed_files_are_remembered_for_every_worker(new_indexed: NewIndexed) -> None:
    one, two = await new_indexed(), await new_indexed()
    other = replace(GUIDE, document_id="docs@1/日本.md", stamp="")
    await one.remember("manuals", [])
    await one.remember("manuals", [GUIDE, other])
    await one.remember("other", [GUIDE])
    assert await two.of_store("manuals") == {GUIDE.document_id: GUIDE, other.document_id: other}
    changed = replace(GUIDE, stamp="78", chunks=5)
    await two.remember("manuals", [changed])
    assert (await one.of_store("manuals"))[GUIDE.document_id] == changed
    assert await one.of_store("other") == {GUIDE.document_id: GUIDE}
    assert await one.of_store("unknown") == {}


async def test_indexed_files_are_forgotten(new_indexed: NewIndexed) -> None:
    files = await new_indexed()
    many = [replace(GUIDE, document_id=f"docs@1/{number}.md") for number in range(1200)]
    await files.remember("manuals", many)
    await files.remember("other", many[:2])
    await files.forget("manuals", [each.document_id for each in many[1:]])
    assert list(await files.of_store("manuals")) == ["docs@1/0.md"]
    await files.forget("manuals", ["unknown"])
    await files.forget("manuals")
    assert await files.of_store("manuals") == {}
    assert len(await files.of_store("other")) == 2
