"""What callers may do with files: with their own, each within a size."""

from collections.abc import AsyncIterable, Sequence

from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, NotFound
from lightspeed_core.files.models import StoredFile, plain_filename
from lightspeed_core.files.store import FileStore


class Files:
    """Files as one caller sees them."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    async def add(self, caller: Identity, name: str, parts: AsyncIterable[bytes]) -> StoredFile:
        """Keep a file under the caller; raises what `parts` raises."""
        return await self._store.add(caller.user_id, plain_filename(name), parts)

    async def list(self, caller: Identity) -> Sequence[StoredFile]:
        """Return the caller's files, the newest first."""
        return await self._store.list(caller.user_id)

    async def get(self, caller: Identity, file_id: str) -> StoredFile:
        """Return a file; raises `NotFound`, and `Forbidden` when it is another's."""
        file = await self._store.find(file_id)
        if file is None:
            raise NotFound("file", file_id)
        if file.user_id != caller.user_id:
            raise Forbidden(
                "User does not have permission to perform this action",
                f"User {caller.user_id} does not have permission to use file with ID {file_id}",
            )
        return file

    async def delete(self, caller: Identity, file_id: str) -> bool:
        """Forget a file; false when there is none. Raises `Forbidden` when it is another's."""
        try:
            await self.get(caller, file_id)
        except NotFound:
            return False
        return await self._store.delete(file_id)
