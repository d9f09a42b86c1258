"""Files that users hand over, over every store, as several workers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.files.models import StoredFile, new_file_id
from lightspeed_core.files.sql import SqlFiles
from lightspeed_core.files.store import FileStore
from tests.contract.conftest import settings_for
from tests.support.databases import STORE_KINDS, open_stores

LATER = datetime.now(UTC) + timedelta(days=365)
PARTS = (b"\x00\xff" * 1000, b"second", b"")

type NewStore = Callable[[], Awaitable[FileStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewStore]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemoryFiles().beside, SqlFiles) as new_store:
        yield new_store


@pytest.fixture
async def files(new_store: NewStore) -> FileStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> FileStore:
    """A second worker beside `files`."""
    return await new_store()


async def in_parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def breaking_off(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    raise ConnectionError


async def bytes_of(store: FileStore, file: StoredFile) -> bytes:
    return b"".join([part async for part in store.read(file.file_id)])


@pytest.mark.requirement("files.whole")
async def test_a_file_reads_back_as_it_was_on_every_worker(
    files: FileStore, others: FileStore
) -> None:
    file = await files.add("ann", "Übersicht.pdf", in_parts(*PARTS))

    content = b"".join(PARTS)
    assert (file.user_id, file.filename, file.size) == ("ann", "Übersicht.pdf", len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.created_at.tzinfo is not None
    for worker in (files, others):
        assert await worker.find(file.file_id) == file
        assert await worker.list("ann") == [file]
        assert await bytes_of(worker, file) == content


async def test_an_empty_file_is_a_file(files: FileStore) -> None:
    file = await files.add("ann", "empty.txt", in_parts())

    assert (file.size, await bytes_of(files, file)) == (0, b"")
    assert await files.find(file.file_id) == file


async def test_each_user_has_files_of_their_own_the_newest_first(
    files: FileStore, others: FileStore
) -> None:
    first = await files.add("ann", "a.txt", in_parts(b"1"))
    second = await others.add("ann", "a.txt", in_parts(b"2"))
    of_ben = await files.add("ben", "b.txt", in_parts(b"3"))

    assert await others.list("ann") == [second, first]
    assert await files.list("ben") == [of_ben]
    assert await files.list("cleo") == []


@pytest.mark.requirement("files.whole")
async def test_nothing_stays_of_a_file_that_broke_off(files: FileStore, others: FileStore) -> None:
    with pytest.raises(ConnectionError):
        await files.add("ann", "a.txt", breaking_off(b"1", b"2"))

    assert await others.list("ann") == []


@pytest.mark.requirement("files.whole")
async def test_a_file_is_not_there_before_its_last_part_and_gone_when_it_is_cancelled(
    files: FileStore, others: FileStore
) -> None:
    is_waiting = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b"1"
        is_waiting.set()
        await asyncio.Event().wait()

    adding = asyncio.ensure_future(files.add("ann", "a.txt", stalling()))
    await is_waiting.wait()
    seen = await others.list("ann")
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding

    assert seen == []
    assert await others.sweep(older_than=LATER) == 0


async def test_a_deleted_file_is_gone_with_its_bytes(files: FileStore, others: FileStore) -> None:
    file = await files.add("ann", "a.txt", in_parts(b"1"))

    assert await others.delete(file.file_id)
    assert not await files.delete(file.file_id)
    assert await files.find(file.file_id) is None
    assert await bytes_of(files, file) == b""


async def test_an_unknown_file_is_none(files: FileStore) -> None:
    unknown = new_file_id()

    assert await files.find(unknown) is None
    assert not await files.delete(unknown)
    assert [part async for part in files.read(unknown)] == []


async def test_a_sweep_leaves_whole_files_alone(files: FileStore) -> None:
    file = await files.add("ann", "a.txt", in_parts(b"1"))

    assert await files.sweep(older_than=LATER) == 0
    assert await files.find(file.file_id) == file
