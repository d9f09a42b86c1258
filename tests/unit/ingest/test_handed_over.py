"""Files on their way into vector stores: by one of several workers, until they are taken out."""

import asyncio
from collections.abc import AsyncGenerator
from types import MappingProxyType
from typing import override

import pytest

from lightspeed_core.errors import Conflict, EngineUnavailable, Forbidden, NotFound
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.ingest.handed_over import AttachedFile, Attributes, HandedOverFiles
from lightspeed_core.ingest.jobs import JobState
from tests.support.assistants import caller
from tests.support.databases import eventually
from tests.support.handing_over import SharedMemory, working
from tests.support.ingesting import STORE, Recording, engine_with_store
from tests.support.scripted_engine import ScriptedStore

pytestmark = pytest.mark.requirement("vector-stores.files")

ANN = caller("ann")
NOTES = b"# Zebras\n\nA zebra has stripes.\n\n# Gnus\n\nA gnu has horns.\n"
BOUND = 30


@pytest.fixture
def memory() -> SharedMemory:
    return SharedMemory()


@pytest.fixture
def place() -> tuple[Recording, ScriptedStore]:
    return engine_with_store()


@pytest.fixture
def engine(place: tuple[Recording, ScriptedStore]) -> Recording:
    return place[0]


@pytest.fixture
def store(place: tuple[Recording, ScriptedStore]) -> ScriptedStore:
    return place[1]


@pytest.fixture
def worker(memory: SharedMemory, engine: Recording) -> HandedOverFiles:
    return memory.worker(engine)


async def attach(
    worker: HandedOverFiles,
    file_id: str,
    attributes: Attributes = MappingProxyType({}),
    max_chunk_tokens: int | None = None,
) -> AttachedFile:
    return await worker.attach(
        ANN, file_id, STORE, attributes=attributes, max_chunk_tokens=max_chunk_tokens
    )


async def settled(worker: HandedOverFiles, file_id: str) -> AttachedFile:
    async def look() -> AttachedFile | None:
        found = await worker.get(STORE, file_id)
        return found if found.state.is_over else None

    found = await eventually(look, within=BOUND)
    assert found is not None
    return found


def embeddings(engine: Recording) -> int:
    return sum(step.startswith("embed") for step in engine.steps)


async def test_one_of_two_workers_brings_a_file_in_and_both_tell_of_it(
    memory: SharedMemory, engine: Recording, store: ScriptedStore
) -> None:
    one, other = memory.worker(engine), memory.worker(engine)
    engine.gate = asyncio.Event()
    file_id = await memory.add("animals.md", NOTES)

    async with working(one, other):
        begun = await attach(one, file_id)
        await engine.until_embedding()
        seen = await other.get(STORE, file_id)
        engine.gate.set()
        done = [await settled(each, file_id) for each in (one, other)]

    assert (begun.state, seen.state) == (JobState.QUEUED, JobState.RUNNING)
    assert done[0] == done[1] == (await other.list(STORE))[0]
    assert done[0].state is JobState.COMPLETED
    assert embeddings(engine) == 1
    assert list(store.sources) == [file_id]
    assert await memory.attachments.list_open() == []


async def test_what_a_worker_that_stops_leaves_undone_another_one_does(
    memory: SharedMemory, engine: Recording, store: ScriptedStore
) -> None:
    one, other = memory.worker(engine), memory.worker(engine)
    engine.gate = asyncio.Event()
    file_id = await memory.add("animals.md", NOTES)
    async with working(one):
        await attach(one, file_id)
        await engine.until_embedding()
    left = await other.get(STORE, file_id)

    engine.gate.set()
    async with working(other):
        done = await settled(other, file_id)

    assert (left.state, done.state) == (JobState.QUEUED, JobState.COMPLETED)
    assert [each.pending for each in store.documents()] == [0]


async def test_passages_have_the_title_and_the_address_of_the_attributes(
    memory: SharedMemory, worker: HandedOverFiles, store: ScriptedStore
) -> None:
    named = await memory.add("animals.md", NOTES)
    odd = await memory.add("plain.md", NOTES)
    attributes = {"title": "Beasts", "url": "https://example.com/beasts", "year": 2026}

    async with working(worker):
        await attach(worker, named, attributes=attributes)
        await attach(worker, odd, attributes={"title": " ", "url": "javascript:alert(1)"})
        await settled(worker, named)
        await settled(worker, odd)

    document = store.sources[named]
    assert (document.title, document.url) == ("Beasts", "https://example.com/beasts")
    assert (store.sources[odd].title, store.sources[odd].url) == ("Zebras", None)
    assert {each.attributes["year"] for each in store.chunks[named].values()} == {2026}
    # Nothing is kept of a place on this machine, which is gone with the job.
    assert document.file is None


async def test_a_file_attached_again_is_cut_and_described_as_it_is_wished_last(
    memory: SharedMemory, worker: HandedOverFiles, engine: Recording, store: ScriptedStore
) -> None:
    text = b"# Zebras\n\n" + b"A zebra has stripes, and they are black and white. " * 40
    file_id = await memory.add("animals.md", text)
    async with working(worker):
        await attach(worker, file_id, attributes={"year": 2025})
        await settled(worker, file_id)
        few, embedded = len(store.chunks[file_id]), embeddings(engine)
        await attach(worker, file_id, attributes={"year": 2025})
        same = await settled(worker, file_id)
        again = embeddings(engine)
        await attach(worker, file_id, attributes={"year": 2026}, max_chunk_tokens=30)
        changed = await settled(worker, file_id)

    assert again == embedded
    assert (same.state, changed.state) == (JobState.COMPLETED, JobState.COMPLETED)
    chunks = store.chunks[file_id].values()
    assert len(chunks) > few
    assert {each.attributes["year"] for each in chunks} == {2026}


async def test_while_a_file_is_brought_in_the_same_may_be_wished_and_nothing_else(
    memory: SharedMemory, worker: HandedOverFiles, engine: Recording
) -> None:
    engine.gate = asyncio.Event()
    file_id = await memory.add("animals.md", NOTES)
    async with working(worker):
        first = await attach(worker, file_id, attributes={"year": 2025})
        same = await attach(worker, file_id, attributes={"year": 2025})
        with pytest.raises(Conflict, match="still being brought into"):
            await attach(worker, file_id, attributes={"year": 2026})
        with pytest.raises(Conflict, match="still being brought into"):
            await attach(worker, file_id, attributes={"year": 2025}, max_chunk_tokens=30)
        engine.gate.set()
        done = await settled(worker, file_id)

    assert first.attachment.job_id == same.attachment.job_id == done.attachment.job_id
    assert done.attachment.attributes == {"year": 2025}


async def test_a_file_taken_out_in_the_middle_does_not_come_back(
    memory: SharedMemory, engine: Recording, store: ScriptedStore
) -> None:
    one, other = memory.worker(engine), memory.worker(engine)
    engine.gate = asyncio.Event()
    file_id = await memory.add("animals.md", NOTES)
    async with working(one):
        await attach(one, file_id)
        await engine.until_embedding()
        assert list(store.sources) == [file_id]

        assert await other.detach(STORE, file_id) is True

        assert await other.detach(STORE, file_id) is False
        assert (store.sources, await one.list(STORE)) == ({}, [])
        engine.gate.set()
        await attach(one, file_id)
        assert (await settled(one, file_id)).state is JobState.COMPLETED
    assert list(store.sources) == [file_id]


async def test_a_store_deleted_in_the_middle_takes_everything_with_it(
    memory: SharedMemory, engine: Recording
) -> None:
    one, other = memory.worker(engine), memory.worker(engine)
    engine.gate = asyncio.Event()
    files = [await memory.add(name, NOTES) for name in ("a.md", "b.md")]
    async with working(one):
        for file_id in files:
            await attach(one, file_id)
        await engine.until_embedding()

        assert await other.delete_store(STORE) is True

        assert await other.delete_store(STORE) is False
        engine.gate.set()
        await eventually(lambda: nothing_is_open(memory), within=BOUND)
    assert await memory.attachments.list(STORE) == []
    assert await memory.jobs.list() == []
    assert await memory.indexed.of_store(STORE) == {}
    assert await engine.vector_stores() == []


async def nothing_is_open(memory: SharedMemory) -> bool:
    return await memory.attachments.list_open() == []


async def test_a_file_deleted_before_its_turn_fails_and_others_go_on(
    memory: SharedMemory, worker: HandedOverFiles, store: ScriptedStore
) -> None:
    gone = await memory.add("gone.md", NOTES)
    kept = await memory.add("kept.md", NOTES)
    await attach(worker, gone)
    await attach(worker, kept)
    await memory.files.delete(gone)

    async with working(worker):
        done = [await settled(worker, each) for each in (gone, kept)]

    assert [each.state for each in done] == [JobState.FAILED, JobState.COMPLETED]
    assert done[0].error == f"File with ID {gone} does not exist"
    assert list(store.sources) == [kept]


class Vanishing(MemoryFiles):
    """Files of which half is read when they are deleted."""

    @override
    async def read(self, file_id: str) -> AsyncGenerator[bytes]:
        async for part in super().read(file_id):
            yield part[: len(part) // 2]

    @override
    def beside(self) -> MemoryFiles:
        return self


async def test_half_a_file_is_never_brought_in(engine: Recording, store: ScriptedStore) -> None:
    memory = SharedMemory(files=Vanishing())
    worker = memory.worker(engine)
    file_id = await memory.add("animals.md", NOTES)
    async with working(worker):
        await attach(worker, file_id)
        done = await settled(worker, file_id)

    assert (done.state, store.sources) == (JobState.FAILED, {})


async def test_a_file_in_a_store_stays_there_when_its_owner_deletes_it(
    memory: SharedMemory, worker: HandedOverFiles, store: ScriptedStore
) -> None:
    file_id = await memory.add("animals.md", NOTES)
    async with working(worker):
        await attach(worker, file_id)
        await settled(worker, file_id)
    await memory.files.delete(file_id)

    assert (await worker.get(STORE, file_id)).state is JobState.COMPLETED
    assert list(store.sources) == [file_id]
    with pytest.raises(NotFound):
        await attach(worker, file_id)
    assert await worker.detach(STORE, file_id) is True


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [("empty.md", b" \n", "holds no text"), ("odd.pdf", b"%PDF-1.7 nonsense", "is broken")],
)
async def test_a_file_of_which_nothing_can_be_made_says_why(
    memory: SharedMemory, worker: HandedOverFiles, name: str, content: bytes, fault: str
) -> None:
    file_id = await memory.add(name, content)
    async with working(worker):
        await attach(worker, file_id)
        done = await settled(worker, file_id)

    assert done.state is JobState.FAILED
    assert fault in (done.fault or "")


async def test_files_wait_for_an_engine_that_is_away(
    memory: SharedMemory,
    worker: HandedOverFiles,
    engine: Recording,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine.down = EngineUnavailable("no answer")
    file_id = await memory.add("animals.md", NOTES)

    async def is_told() -> bool:
        return "attached files wait" in caplog.text

    async with working(worker):
        await attach(worker, file_id)
        await eventually(is_told, within=BOUND)
        waiting = await worker.get(STORE, file_id)
        engine.down = None
        await attach(worker, file_id)
        done = await settled(worker, file_id)

    assert (waiting.state, done.state) == (JobState.QUEUED, JobState.COMPLETED)


async def test_only_its_owner_can_attach_a_file(
    memory: SharedMemory, worker: HandedOverFiles
) -> None:
    file_id = await memory.add("animals.md", NOTES, user_id="ben")

    with pytest.raises(Forbidden):
        await attach(worker, file_id)

    assert await worker.list(STORE) == []
    assert await memory.jobs.list() == []
