"""The store of files in memory, until the process ends."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import override

from lightspeed_core.db.memory import MemoryStore
from lightspeed_core.files.attachments import AttachmentStore
from lightspeed_core.files.models import Attachment, StoredFile, new_file_id
from lightspeed_core.files.store import FileStore


class MemoryFiles(MemoryStore, FileStore):
    """Implements `FileStore`."""

    def __init__(self) -> None:
        # In the order in which they came.
        self._files: dict[str, tuple[StoredFile, tuple[bytes, ...]]] = {}

    def beside(self) -> "MemoryFiles":
        """Return another worker on the same memory."""
        other = MemoryFiles()
        other._files = self._files
        return other

    @override
    async def add(self, user_id: str, filename: str, parts: AsyncIterable[bytes]) -> StoredFile:
        kept: list[bytes] = []
        digest = hashlib.sha256()
        async for part in parts:
            kept.append(part)
            digest.update(part)
        file = StoredFile(
            file_id=new_file_id(),
            user_id=user_id,
            filename=filename,
            size=sum(len(part) for part in kept),
            sha256=digest.hexdigest(),
            created_at=datetime.now(UTC),
        )
        self._files[file.file_id] = (file, tuple(kept))
        return file

    @override
    async def find(self, file_id: str) -> StoredFile | None:
        found = self._files.get(file_id)
        return found and found[0]

    @override
    async def list(self, user_id: str) -> Sequence[StoredFile]:
        return [file for file, _ in reversed(self._files.values()) if file.user_id == user_id]

    @override
    async def read(self, file_id: str) -> AsyncGenerator[bytes]:
        if (found := self._files.get(file_id)) is not None:
            for part in found[1]:
                yield part

    @override
    async def delete(self, file_id: str) -> bool:
        return self._files.pop(file_id, None) is not None

    @override
    async def sweep(self, *, older_than: datetime) -> int:
        del older_than
        return 0


class MemoryAttachments(MemoryStore, AttachmentStore):
    """Implements `AttachmentStore`."""

    def __init__(self) -> None:
        # In the order in which they came.
        self._kept: dict[tuple[str, str], Attachment] = {}

    def beside(self) -> "MemoryAttachments":
        """Return another worker on the same memory."""
        other = MemoryAttachments()
        other._kept = self._kept
        return other

    @override
    async def put(self, attachment: Attachment) -> None:
        key = (attachment.store_id, attachment.file_id)
        self._kept.pop(key, None)
        self._kept[key] = attachment

    @override
    async def find(self, store_id: str, file_id: str) -> Attachment | None:
        return self._kept.get((store_id, file_id))

    @override
    async def list(self, store_id: str) -> Sequence[Attachment]:
        return [each for each in reversed(self._kept.values()) if each.store_id == store_id]

    @override
    async def list_open(self) -> Sequence[Attachment]:
        return [each for each in self._kept.values() if each.is_open]

    @override
    async def settle(self, attachment: Attachment) -> None:
        key = (attachment.store_id, attachment.file_id)
        kept = self._kept.get(key)
        if kept is not None and kept.job_id == attachment.job_id:
            self._kept[key] = replace(kept, is_open=False)

    @override
    async def remove(self, store_id: str, file_id: str) -> bool:
        return self._kept.pop((store_id, file_id), None) is not None

    @override
    async def forget(self, store_id: str) -> None:
        for key in [key for key in self._kept if key[0] == store_id]:
            del self._kept[key]
