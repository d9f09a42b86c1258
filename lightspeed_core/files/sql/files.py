"""The store of files in an SQL database, the same for every dialect."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import datetime
from typing import Any, Final, override

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update

from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.errors import StoreUnavailable
from lightspeed_core.files.models import StoredFile, new_file_id
from lightspeed_core.files.store import FileStore
from lightspeed_core.files.tables import file_parts, files

logger = logging.getLogger(__name__)

_COLUMNS: Final = (
    files.c.file_id,
    files.c.user_id,
    files.c.filename,
    files.c.size,
    files.c.sha256,
    files.c.created_at,
)
_WHOLE: Final = files.c.created_at.is_not(None)
_FILE: Final = select(*_COLUMNS).where(files.c.file_id == bindparam("wanted"), _WHOLE)
_PART: Final = select(file_parts.c.content).where(
    file_parts.c.file_id == bindparam("wanted"), file_parts.c.number == bindparam("part")
)


class SqlFiles(DatabaseStore, FileStore):
    """Implements `FileStore` over a database that other stores may share."""

    @override
    async def add(self, user_id: str, filename: str, parts: AsyncIterable[bytes]) -> StoredFile:
        file_id = new_file_id()
        begun = {
            "file_id": file_id,
            "user_id": user_id,
            "filename": filename,
            "begun_at": self._database.clock(),
        }
        # A write whose commit went unheard comes again, and finds its own row.
        begin = insert_for(self._database.dialect, files).on_conflict_do_nothing()
        await self._database.writer.call(lambda connection: _run(connection, begin, begun))
        try:
            return await self._add_parts(file_id, parts)
        except BaseException:
            await self._give_up(file_id)
            raise

    @override
    async def find(self, file_id: str) -> StoredFile | None:
        return await self._database.read(lambda connection: _find(connection, file_id))

    @override
    async def list(self, user_id: str) -> Sequence[StoredFile]:
        query = (
            select(*_COLUMNS)
            .where(files.c.user_id == user_id, _WHOLE)
            .order_by(files.c.created_at.desc(), files.c.file_id.desc())
        )
        return await self._database.read(
            lambda connection: [_file(row) for row in connection.execute(query).mappings()]
        )

    @override
    async def read(self, file_id: str) -> AsyncGenerator[bytes]:
        number = 0
        while (part := await self._part(file_id, number)) is not None:
            yield part
            number += 1

    @override
    async def delete(self, file_id: str) -> bool:
        was_whole = await self._database.writer.call(
            lambda connection: _remove(connection, file_id)
        )
        self._database.erase_deleted()
        return was_whole

    @override
    async def sweep(self, *, older_than: datetime) -> int:
        deletion = delete(files).where(~_WHOLE, files.c.begun_at < older_than)
        return await self._database.writer.call(
            lambda connection: connection.execute(deletion).rowcount
        )

    async def _add_parts(self, file_id: str, parts: AsyncIterable[bytes]) -> StoredFile:
        add = insert_for(self._database.dialect, file_parts).on_conflict_do_nothing()
        digest, size, number = hashlib.sha256(), 0, 0
        async for part in parts:
            row = {"file_id": file_id, "number": number, "content": part}
            await self._database.writer.call(lambda connection, row=row: _run(connection, add, row))
            digest.update(part)
            size += len(part)
            number += 1
        whole = {
            "size": size,
            "sha256": digest.hexdigest(),
            "created_at": self._database.clock(),
        }
        end = update(files).where(files.c.file_id == file_id).values(whole)

        def finish(connection: Connection) -> StoredFile | None:
            connection.execute(end)
            return _find(connection, file_id)

        file = await self._database.writer.call(finish)
        if file is None:
            raise StoreUnavailable("The file was removed while it was stored")
        return file

    async def _give_up(self, file_id: str) -> None:
        """Remove what there is of a file; what cannot be removed now is swept later."""
        try:
            await asyncio.shield(self.delete(file_id))
        except StoreUnavailable:
            logger.warning("part of a file was left file_id=%s", file_id)

    async def _part(self, file_id: str, number: int) -> bytes | None:
        wanted = {"wanted": file_id, "part": number}
        return await self._database.read(
            lambda connection: connection.execute(_PART, wanted).scalar_one_or_none()
        )


def _run(connection: Connection, statement: Any, row: dict[str, Any]) -> None:
    connection.execute(statement, row)


def _find(connection: Connection, file_id: str) -> StoredFile | None:
    row = connection.execute(_FILE, {"wanted": file_id}).mappings().one_or_none()
    return None if row is None else _file(row)


def _file(row: RowMapping) -> StoredFile:
    return StoredFile(**row)


def _remove(connection: Connection, file_id: str) -> bool:
    was_whole = _find(connection, file_id) is not None
    connection.execute(delete(files).where(files.c.file_id == file_id))
    return was_whole
