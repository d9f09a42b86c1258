"""A job is worked on by one, tells how far it is, and ends as whatever became of it."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from lightspeed_core.errors import Conflict, EngineUnavailable, StoreUnavailable
from lightspeed_core.ingest.jobs import (
    Counts,
    FileState,
    Job,
    JobFile,
    JobKind,
    JobState,
    NewJob,
    Signs,
)
from lightspeed_core.ingest.memory import MemoryJobs
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.ingest.sources import Folder
from tests.support.databases import ManualClock, eventually
from tests.support.ingesting import STORE, engine_with_store, ingestion_over, write_files

NEW = NewJob(store_id=STORE, user_id="ann", kind=JobKind.INGEST, source="docs")
OFTEN = 0.01


async def do_nothing(_: Progress) -> None:
    pass


async def test_a_job_ends_completed_with_its_counts() -> None:
    jobs = MemoryJobs()

    async def work(progress: Progress) -> None:
        progress.begin(1)
        progress.settled("a.md", FileState.INDEXED, chunks=3)

    ended = await JobRunner(jobs).run(await jobs.add(NEW), work)
    assert ended.state is JobState.COMPLETED
    assert ended.counts == Counts(files_total=1, files_done=1)
    assert await jobs.files(ended.job_id) == [
        JobFile(name="a.md", state=FileState.INDEXED, chunks=3)
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EngineUnavailable("no route"), "no route"),
        (RuntimeError("a fault"), "a fault of the service; its log says more"),
    ],
)
async def test_an_error_of_the_work_ends_the_job_as_failed(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = MemoryJobs()

    async def work(_: Progress) -> None:
        raise error

    ended = await JobRunner(jobs).run(await jobs.add(NEW), work)
    assert (ended.state, ended.error) == (JobState.FAILED, told)
    assert str(error) in caplog.text


async def test_progress_is_told_while_the_work_goes_on() -> None:
    jobs = MemoryJobs()
    job = await jobs.add(NEW)
    go_on = asyncio.Event()

    async def work(progress: Progress) -> None:
        progress.begin(7)
        await go_on.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(JobRunner(jobs, heartbeat=OFTEN).run(job, work))
        seen = await eventually(lambda: counted(jobs, job, 7))
        go_on.set()
    assert seen is not None
    assert seen.state is JobState.RUNNING


async def counted(jobs: MemoryJobs, job: Job, files: int) -> Job | None:
    found = await jobs.find(job.job_id)
    return found if found and found.counts.files_total == files else None


async def test_a_job_is_cancelled_from_elsewhere() -> None:
    jobs = MemoryJobs()
    job = await jobs.add(NEW)
    begun = asyncio.Event()

    async def work(_: Progress) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(JobRunner(jobs, heartbeat=OFTEN).run(job, work))
        await begun.wait()
        await jobs.beside().cancel(job.job_id)
    assert running.result().state is JobState.CANCELLED


async def test_work_that_is_stopped_is_given_back_for_the_next() -> None:
    jobs = MemoryJobs()
    job = await jobs.add(NEW)
    begun = asyncio.Event()

    async def work(_: Progress) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(JobRunner(jobs).run(job, work))
        await begun.wait()
        running.cancel()
    found = await jobs.find(job.job_id)
    assert found is not None
    assert found.state is JobState.QUEUED
    assert (await JobRunner(jobs).run(job, do_nothing)).state is JobState.COMPLETED


async def test_a_job_is_worked_on_by_one() -> None:
    jobs = MemoryJobs()
    job = await jobs.add(NEW)
    await jobs.claim(job.job_id, "another")
    with pytest.raises(Conflict):
        await JobRunner(jobs).run(job, do_nothing)


async def test_a_job_that_is_over_is_not_done_again() -> None:
    jobs = MemoryJobs()
    ended = await JobRunner(jobs).run(await jobs.add(NEW), do_nothing)
    assert await JobRunner(jobs).run(ended, do_nothing) == ended


async def test_who_lost_a_job_leaves_it_alone() -> None:
    clock = ManualClock()
    jobs = MemoryJobs(clock)
    job = await jobs.add(NEW)
    begun = asyncio.Event()

    async def work(_: Progress) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        runner = JobRunner(Unreachable(jobs), heartbeat=OFTEN)
        running = group.create_task(runner.run(job, work))
        await begun.wait()
        clock.advance(60)
        await jobs.claim(job.job_id, "another")
        Unreachable.is_down = False
    assert running.result().state is JobState.RUNNING
    assert await jobs.finish(job.job_id, "another", JobState.COMPLETED)


class Unreachable(MemoryJobs):
    """A store that takes no report while it is down."""

    is_down = True

    def __init__(self, jobs: MemoryJobs) -> None:
        super().__init__()
        self.__dict__ = jobs.__dict__

    async def report(
        self, job_id: str, owner: str, counts: Counts, files: Sequence[JobFile]
    ) -> Signs:
        if self.is_down:
            raise StoreUnavailable
        return await super().report(job_id, owner, counts, files)


async def test_what_could_not_be_told_is_told_later() -> None:
    progress = Progress()
    progress.settled("a.md", FileState.RUNNING)
    files = progress.take_files()
    progress.settled("a.md", FileState.INDEXED)
    progress.settled("b.md", FileState.INDEXED)
    progress.give_back(files)
    assert {file.name: file.state for file in progress.take_files()} == {
        "a.md": FileState.INDEXED,
        "b.md": FileState.INDEXED,
    }


@pytest.mark.attack(22)
async def test_jobs_of_two_users_at_once_stay_each_under_its_user(tmp_path: Path) -> None:
    engine, store = engine_with_store()
    ingestion = ingestion_over(engine)
    names = {"ann": "anns", "ben": "bens"}

    async def take_in(user: str) -> Job:
        folder = write_files(tmp_path / names[user], {f"{user}.md": f"# {user}\n\nCanary{user}.\n"})
        source = Folder(folder)
        new = NewJob(store_id=STORE, user_id=user, kind=JobKind.INGEST, source=source.key)
        return await ingestion.take_in(await ingestion.jobs.add(new), source)

    ended = dict(zip(names, await asyncio.gather(*map(take_in, names)), strict=True))
    for user, other in (("ann", "ben"), ("ben", "ann")):
        assert [job.job_id for job in await ingestion.jobs.list(user_id=user)] == [
            ended[user].job_id
        ]
        files = await ingestion.jobs.files(ended[user].job_id)
        assert [file.name for file in files] == [f"{user}.md"]
        assert other not in repr((await ingestion.jobs.list(user_id=user), files))
    assert len(store.documents()) == 2


@pytest.mark.parametrize("store_id", ["another", STORE])
async def test_what_waits_for_documents_goes_on_when_none_will_come(
    tmp_path: Path, store_id: str
) -> None:
    engine, _ = engine_with_store()
    told: list[None] = []
    await ingestion_over(engine).keep(
        store_id, Folder(tmp_path / "gone"), on_text=lambda: told.append(None)
    )
    assert told


async def test_documents_are_kept_by_one_of_several_workers(tmp_path: Path) -> None:
    folder = Folder(write_files(tmp_path / "docs", {"a.md": "# A\n\nText.\n"}))
    engine, store = engine_with_store()
    engine.gate = asyncio.Event()
    one = ingestion_over(engine)
    told: list[str] = []

    async def keep(name: str) -> None:
        await one.keep(STORE, folder, on_text=lambda: told.append(name))

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(keep("first"))
        await engine.embedding.wait()
        group.create_task(keep("second"))
        await eventually(lambda: is_told(told, "second"))
        engine.gate.set()
    assert [step for step in engine.steps if step.startswith("embed")] == ["embed 1"]
    assert [each.pending for each in store.documents()] == [0]


async def is_told(told: list[str], name: str) -> bool:
    return name in told


async def test_a_failure_is_logged_and_never_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine, _ = engine_with_store()
    engine.down = EngineUnavailable("no route")
    with caplog.at_level(logging.WARNING):
        await ingestion_over(engine).keep(STORE, Folder(tmp_path))
    assert "no route" in caplog.text


async def test_a_store_is_made_once_where_there_is_none() -> None:
    engine, _ = engine_with_store()
    ingestion = ingestion_over(engine)
    made = await ingestion.store_named("new")
    assert made.store_id == "new"
    assert await ingestion.store_named("new") == made
    assert (await ingestion.store_named(STORE)).store_id == STORE
