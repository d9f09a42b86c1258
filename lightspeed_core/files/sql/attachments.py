"""The store of attachments in an SQL database, the same for every dialect."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, override

from sqlalchemy import Connection, RowMapping, delete, select, update

from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.files.attachments import AttachmentStore
from lightspeed_core.files.models import Attachment
from lightspeed_core.files.tables import attachments

_KEY: Final = ("store_id", "file_id")


class SqlAttachments(DatabaseStore, AttachmentStore):
    """Implements `AttachmentStore` over a database that other stores may share."""

    @override
    async def put(self, attachment: Attachment) -> None:
        row = _row(attachment)
        put = insert_for(self._database.dialect, attachments).values(row)
        changed = {name: put.excluded[name] for name in row if name not in _KEY}
        put = put.on_conflict_do_update(index_elements=_KEY, set_=changed)
        await self._database.writer.call(lambda connection: _run(connection, put))

    @override
    async def find(self, store_id: str, file_id: str) -> Attachment | None:
        wanted = select(attachments).where(
            attachments.c.store_id == store_id, attachments.c.file_id == file_id
        )
        found = await self._database.read(lambda connection: _all(connection, wanted))
        return found[0] if found else None

    @override
    async def list(self, store_id: str) -> Sequence[Attachment]:
        wanted = (
            select(attachments)
            .where(attachments.c.store_id == store_id)
            .order_by(attachments.c.created_at.desc(), attachments.c.file_id.desc())
        )
        return await self._database.read(lambda connection: _all(connection, wanted))

    @override
    async def list_open(self) -> Sequence[Attachment]:
        wanted = (
            select(attachments)
            .where(attachments.c.is_open)
            .order_by(attachments.c.created_at, attachments.c.file_id)
        )
        return await self._database.read(lambda connection: _all(connection, wanted))

    @override
    async def settle(self, attachment: Attachment) -> None:
        settle = (
            update(attachments)
            .where(
                attachments.c.store_id == attachment.store_id,
                attachments.c.file_id == attachment.file_id,
                attachments.c.job_id == attachment.job_id,
            )
            .values(is_open=False)
        )
        await self._database.writer.call(lambda connection: _run(connection, settle))

    @override
    async def remove(self, store_id: str, file_id: str) -> bool:
        removal = delete(attachments).where(
            attachments.c.store_id == store_id, attachments.c.file_id == file_id
        )
        return await self._database.writer.call(lambda connection: _run(connection, removal)) > 0

    @override
    async def forget(self, store_id: str) -> None:
        removal = delete(attachments).where(attachments.c.store_id == store_id)
        await self._database.writer.call(lambda connection: _run(connection, removal))


def _run(connection: Connection, statement: Any) -> int:
    return connection.execute(statement).rowcount


def _all(connection: Connection, wanted: Any) -> list[Attachment]:
    return [_attachment(row) for row in connection.execute(wanted).mappings()]


def _row(attachment: Attachment) -> dict[str, Any]:
    return {**asdict(attachment), "attributes": json.dumps(dict(attachment.attributes))}


def _attachment(row: RowMapping) -> Attachment:
    return Attachment(**{**row, "attributes": json.loads(row["attributes"])})
