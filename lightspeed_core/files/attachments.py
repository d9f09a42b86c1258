"""The store of which files are in which vector store. One truth for all workers."""

from collections.abc import Sequence
from typing import Protocol

from lightspeed_core.files.models import Attachment


class AttachmentStore(Protocol):
    """Keeps attachments. Raises `StoreUnavailable` when the database does not answer."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def put(self, attachment: Attachment) -> None:
        """Keep an attachment, in place of an earlier one of the same file and store."""
        ...

    async def find(self, store_id: str, file_id: str) -> Attachment | None:
        """Return an attachment, or None."""
        ...

    async def list(self, store_id: str) -> Sequence[Attachment]:
        """Return the attachments of a store, the newest first."""
        ...

    async def list_open(self) -> Sequence[Attachment]:
        """Return the attachments whose jobs are not known to be over, the oldest first."""
        ...

    async def settle(self, attachment: Attachment) -> None:
        """Note that the job of an attachment is over, unless another job has its place."""
        ...

    async def remove(self, store_id: str, file_id: str) -> bool:
        """Forget an attachment; false when there is none."""
        ...

    async def forget(self, store_id: str) -> None:
        """Forget the attachments of a store that is gone."""
        ...
