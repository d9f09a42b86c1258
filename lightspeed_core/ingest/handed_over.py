"""Files that users hand over, brought into vector stores by jobs, on whichever worker has time.

It knows the stores of files and jobs and nothing of HTTP.
"""

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Conflict, LightspeedError, NotFound
from lightspeed_core.files.access import Files
from lightspeed_core.files.attachments import AttachmentStore
from lightspeed_core.files.models import Attachment, StoredFile
from lightspeed_core.files.store import FileStore
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.jobs import LEASE, Counts, FileState, Job, JobKind, JobState, NewJob
from lightspeed_core.ingest.sources import FoundFile, Listing, Source

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS: Final = 5.0
"""How often it is looked for work that another worker took on and left undone."""

# A worker that died is given up before.
_END_WITHIN_SECONDS: Final = LEASE.total_seconds() + LOOK_AGAIN_SECONDS
_ASK_AGAIN_SECONDS: Final = 0.2
_ADDRESSES: Final = ("http://", "https://")

type Attributes = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file in a vector store, or on its way there.

    `fault` says why nothing can be made of the file, `error` why its job failed as a whole.
    """

    attachment: Attachment
    state: JobState
    counts: Counts = field(default_factory=Counts)
    fault: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class HandedOver(Source):
    """One file that a user handed over, under its id, for the time of a job at `path`."""

    file: StoredFile
    path: Path
    attachment: Attachment

    @property
    def key(self) -> str:
        """Its id."""
        return self.file.file_id

    def find(self) -> Listing:
        """Give it, with the title and the address that its attributes name."""
        attributes = self.attachment.attributes
        return Listing(
            [
                FoundFile(
                    document_id=self.file.file_id,
                    name=self.file.filename,
                    path=self.path,
                    size=self.file.size,
                    stamp=self.file.sha256,
                    url=_address(attributes.get("url")),
                    title=_title(attributes.get("title")),
                    is_kept=False,
                    attributes=attributes,
                    max_chunk_tokens=self.attachment.max_chunk_tokens,
                )
            ]
        )

    def owns(self, document_id: str) -> bool:
        """Own itself."""
        return document_id == self.file.file_id


class HandedOverFiles:
    """Brings files into vector stores; `run` must be running somewhere for that."""

    def __init__(
        self,
        ingestion: Ingestion,
        files: FileStore,
        attachments: AttachmentStore,
    ) -> None:
        self._ingestion = ingestion
        self._files = files
        self._attachments = attachments
        self._work_came = asyncio.Event()

    async def attach(
        self,
        caller: Identity,
        file_id: str,
        store_id: str,
        *,
        attributes: Attributes,
        max_chunk_tokens: int | None = None,
    ) -> AttachedFile:
        """Have a file of the caller brought into a store; returns at once.

        Attached again it is compared with what the store holds. Raises `NotFound`, `Forbidden` for
        another's file, and `Conflict` while it is brought in otherwise or taken out.
        """
        file = await Files(self._files).get(caller, file_id)
        earlier = await self._attachments.find(store_id, file_id)
        job = await self._ingestion.jobs.add(
            NewJob(
                store_id=store_id,
                user_id=file.user_id,
                kind=JobKind.INGEST,
                source=file.file_id,
            )
        )
        attachment = Attachment(
            store_id=store_id,
            file_id=file.file_id,
            user_id=file.user_id,
            job_id=job.job_id,
            created_at=datetime.now(UTC),
            attributes=attributes,
            max_chunk_tokens=max_chunk_tokens,
        )
        if job.is_cancelled or (earlier and not _is_compatible(earlier, attachment)):
            raise _is_busy(store_id, file_id)
        await self._attachments.put(attachment)
        self._work_came.set()
        return AttachedFile(attachment=attachment, state=job.state, counts=job.counts)

    async def list(self, store_id: str) -> Sequence[AttachedFile]:
        """Return the files of a store, the newest first."""
        jobs = {job.job_id: job for job in await self._ingestion.jobs.list(store_id=store_id)}
        return [
            await self._described(each, jobs.get(each.job_id))
            for each in await self._attachments.list(store_id)
        ]

    async def get(self, store_id: str, file_id: str) -> AttachedFile:
        """Return a file of a store; raises `NotFound`."""
        found = await self._attachments.find(store_id, file_id)
        if found is None:
            raise NotFound("file", file_id)
        return await self._described(found, await self._ingestion.jobs.find(found.job_id))

    async def detach(self, store_id: str, file_id: str) -> bool:
        """Take a file out of a store; false when it is not there.

        Waits for the end of the work on it, else what was taken out would come back. Raises
        `Conflict` when that takes too long.
        """
        found = await self._attachments.find(store_id, file_id)
        if found is None:
            return False
        await self._end(found.job_id)
        with suppress(NotFound):
            await self._ingestion.engine.delete_document(store_id, file_id)
        await self._ingestion.indexed.forget(store_id, [file_id])
        return await self._attachments.remove(store_id, file_id)

    async def delete_store(self, store_id: str) -> bool:
        """Remove a store with all that is known of it; say whether it was there.

        Work on it is ended before. Raises `Conflict` when that takes too long.
        """
        for job in await self._ingestion.jobs.list(store_id=store_id):
            if not job.state.is_over:
                await self._end(job.job_id)
        deleted = await self._ingestion.engine.delete_vector_store(store_id)
        await self._attachments.forget(store_id)
        await self._ingestion.jobs.forget(store_id)
        await self._ingestion.indexed.forget(store_id)
        return deleted

    async def run(self) -> None:
        """Work on what is attached, one file after another, until cancelled; never fails."""
        while True:
            self._work_came.clear()
            try:
                await self._bring_in_open()
            except LightspeedError as error:
                logger.warning("attached files wait: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._work_came.wait()

    async def _bring_in_open(self) -> None:
        waiting = await self._attachments.list_open()
        if waiting:
            # Raises while the engine cannot be reached, for which no job shall fail.
            await self._ingestion.engine.vector_stores()
        for attachment in waiting:
            await self._bring_in(attachment)

    async def _bring_in(self, attachment: Attachment) -> None:
        job = await self._ingestion.jobs.find(attachment.job_id)
        if job is not None and not job.state.is_over:
            try:
                await self._ingestion.take_in_opened(job, self._opened(attachment))
            except Conflict:  # another worker has it, or the store is built anew
                return
        await self._attachments.settle(attachment)

    @asynccontextmanager
    async def _opened(self, attachment: Attachment) -> AsyncGenerator[Source]:
        """Have a file where a parser can read it. Raises `NotFound`."""
        file = await self._files.find(attachment.file_id)
        if file is None:
            raise NotFound("file", attachment.file_id)
        with tempfile.TemporaryDirectory(prefix="lightspeed-") as folder:
            path = Path(folder, "content")
            await self._copy(file, path)
            yield HandedOver(file, path, attachment)

    async def _copy(self, file: StoredFile, path: Path) -> None:
        """Write a file to a path; raises `NotFound` when it is deleted meanwhile."""
        size = 0
        with await asyncio.to_thread(path.open, "xb") as target:
            async for part in self._files.read(file.file_id):
                size += await asyncio.to_thread(target.write, part)
        if size != file.size:
            raise NotFound("file", file.file_id)

    async def _end(self, job_id: str) -> None:
        """Cancel a job, and wait for its end."""
        try:
            async with asyncio.timeout(_END_WITHIN_SECONDS):
                job = await self._ingestion.jobs.cancel(job_id)
                while job is not None and not job.state.is_over:
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
                    job = await self._ingestion.jobs.cancel(job_id)
        except TimeoutError as error:
            raise Conflict(
                "Vector store is busy", f"Job {job_id} was cancelled and has not ended yet"
            ) from error

    async def _described(self, attachment: Attachment, job: Job | None) -> AttachedFile:
        if job is None:
            return AttachedFile(attachment=attachment, state=JobState.COMPLETED)
        fault = await self._fault(job)
        return AttachedFile(
            attachment=attachment,
            state=JobState.FAILED if fault else job.state,
            counts=job.counts,
            fault=fault,
            error=job.error,
        )

    async def _fault(self, job: Job) -> str | None:
        """Say why nothing could be made of the file of a job that has ended."""
        if not job.state.is_over or (job.counts.chunks_embedded and not job.counts.files_failed):
            return None
        unread = {FileState.FAILED, FileState.SKIPPED}
        files = await self._ingestion.jobs.files(job.job_id)
        return next((file.reason for file in files if file.state in unread), None)


def _is_compatible(earlier: Attachment, now: Attachment) -> bool:
    """Say whether one job can do both: it is another one, or the same is wanted of it."""
    return earlier.job_id != now.job_id or (
        dict(earlier.attributes) == dict(now.attributes)
        and earlier.max_chunk_tokens == now.max_chunk_tokens
    )


def _is_busy(store_id: str, file_id: str) -> Conflict:
    return Conflict(
        "File is being worked on",
        f"File {file_id} is still being brought into vector store {store_id}, or taken out of it; "
        "wait for its end",
    )


def _address(value: Any) -> str | None:
    """Take an address that a browser may follow."""
    return value if isinstance(value, str) and value.lower().startswith(_ADDRESSES) else None


def _title(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
