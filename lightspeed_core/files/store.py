"""The store of files. One truth for all workers and hosts: files lie where everything else does."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import datetime
from typing import Protocol

from lightspeed_core.files.models import StoredFile


class FileStore(Protocol):
    """Keeps files in parts, so that none is ever whole in memory.

    Raises `StoreUnavailable` when the database does not answer.
    """

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        ...

    async def add(self, user_id: str, filename: str, parts: AsyncIterable[bytes]) -> StoredFile:
        """Keep a file; it is there once its last part is.

        When `parts` raise, or the call is cancelled, nothing of it stays.
        """
        ...

    async def find(self, file_id: str) -> StoredFile | None:
        """Return a file that is whole, or None."""
        ...

    async def list(self, user_id: str) -> Sequence[StoredFile]:
        """Return the files of a user, the newest first."""
        ...

    def read(self, file_id: str) -> AsyncGenerator[bytes]:
        """Yield the parts of a file in order; nothing for one that is not there."""
        ...

    async def delete(self, file_id: str) -> bool:
        """Forget a file with its bytes; false when there is none."""
        ...

    async def sweep(self, *, older_than: datetime) -> int:
        """Forget what was begun before that time and never came to its end; return how many."""
        ...
