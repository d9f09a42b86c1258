"""Which files are in which vector store, over every store of it, as several workers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lightspeed_core.files.attachments import AttachmentStore
from lightspeed_core.files.memory import MemoryAttachments
from lightspeed_core.files.models import Attachment
from lightspeed_core.files.sql import SqlAttachments
from tests.contract.conftest import settings_for
from tests.support.databases import NOON, STORE_KINDS, open_stores

pytestmark = pytest.mark.requirement("vector-stores.files")

GUIDE = Attachment(
    store_id="manuals",
    file_id="file-1",
    user_id="user:default/ann",
    job_id="job-1",
    created_at=NOON,
    attributes={"title": "Übersicht", "year": 2026, "weight": 0.5, "draft": False},
    max_chunk_tokens=400,
)
NOTES = Attachment(
    store_id="manuals",
    file_id="file-2",
    user_id="ben",
    job_id="job-2",
    created_at=NOON + timedelta(seconds=1),
)

type NewStore = Callable[[], Awaitable[AttachmentStore]]


@pytest.fixture(params=STORE_KINDS)
async def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NewStore]:
    settings = settings_for(str(request.param), request, tmp_path)
    async with open_stores(settings, MemoryAttachments().beside, SqlAttachments) as new_store:
        yield new_store


@pytest.fixture
async def attachments(new_store: NewStore) -> AttachmentStore:
    return await new_store()


@pytest.fixture
async def others(new_store: NewStore) -> AttachmentStore:
    """A second worker beside `attachments`."""
    return await new_store()


async def test_an_attachment_reads_back_as_it_was_on_every_worker(
    attachments: AttachmentStore, others: AttachmentStore
) -> None:
    await attachments.put(GUIDE)

    for worker in (attachments, others):
        found = await worker.find("manuals", "file-1")
        assert found is not None
        assert found == GUIDE
        assert [type(value) for value in found.attributes.values()] == [str, int, float, bool]
        assert await worker.list("manuals") == [GUIDE]
        assert await worker.list_open() == [GUIDE]
    assert await others.find("manuals", "file-2") is None
    assert await others.find("others", "file-1") is None


async def test_a_store_lists_its_own_the_newest_first_and_open_ones_come_oldest_first(
    attachments: AttachmentStore, others: AttachmentStore
) -> None:
    elsewhere = replace(NOTES, store_id="others", created_at=NOON + timedelta(seconds=2))
    for each in (GUIDE, NOTES, elsewhere):
        await attachments.put(each)

    assert await others.list("manuals") == [NOTES, GUIDE]
    assert await others.list("others") == [elsewhere]
    assert await others.list("none") == []
    assert await others.list_open() == [GUIDE, NOTES, elsewhere]


async def test_a_file_is_in_a_store_once_and_the_last_word_counts(
    attachments: AttachmentStore, others: AttachmentStore
) -> None:
    again = replace(
        GUIDE,
        job_id="job-3",
        attributes={},
        max_chunk_tokens=None,
        created_at=NOON + timedelta(seconds=3),
    )
    await attachments.put(GUIDE)
    await others.put(NOTES)
    await others.put(again)

    assert await attachments.list("manuals") == [again, NOTES]


async def test_an_attachment_is_settled_for_its_own_job_alone(
    attachments: AttachmentStore, others: AttachmentStore
) -> None:
    again = replace(GUIDE, job_id="job-3")
    await attachments.put(GUIDE)
    await attachments.put(again)
    await others.settle(GUIDE)
    assert await attachments.list_open() == [again]

    await others.settle(again)

    assert await attachments.list_open() == []
    assert await attachments.find("manuals", "file-1") == replace(again, is_open=False)


async def test_what_is_removed_is_gone_everywhere_and_nothing_else(
    attachments: AttachmentStore, others: AttachmentStore
) -> None:
    elsewhere = replace(GUIDE, store_id="others")
    for each in (GUIDE, NOTES, elsewhere):
        await attachments.put(each)

    assert await others.remove("manuals", "file-1") is True
    assert await attachments.remove("manuals", "file-1") is False
    assert await attachments.list("manuals") == [NOTES]
    await others.forget("manuals")
    assert await attachments.list("manuals") == []
    assert await attachments.list_open() == [elsewhere]
    await attachments.settle(GUIDE)
    assert await attachments.find("manuals", "file-1") is None
