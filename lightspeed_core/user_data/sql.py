"""The feedback switch in an SQL database, the same for every dialect."""

from typing import Final, override

from sqlalchemy import Connection, select, update

from lightspeed_core.db.database import Database
from lightspeed_core.db.store import DatabaseStore
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.user_data.status import FeedbackStatusStore
from lightspeed_core.user_data.tables import feedback_status

_ONLY_ROW: Final = 1
_STATUS: Final = select(feedback_status.c.enabled).where(feedback_status.c.status_id == _ONLY_ROW)
_CHANGE: Final = update(feedback_status).where(feedback_status.c.status_id == _ONLY_ROW)


class SqlFeedbackStatus(DatabaseStore, FeedbackStatusStore):
    """Implements `FeedbackStatusStore` over a database that other stores may share."""

    def __init__(self, database: Database, *, configured: bool) -> None:
        super().__init__(database)
        self._configured = configured

    @override
    async def is_enabled(self) -> bool:
        enabled = await self._database.read(lambda connection: connection.scalar(_STATUS))
        return self._configured if enabled is None else enabled

    @override
    async def set_enabled(self, *, enabled: bool) -> bool:
        return await self._database.writer.call(
            lambda connection: self._exchange(connection, enabled=enabled)
        )

    def _exchange(self, connection: Connection, *, enabled: bool) -> bool:
        # Written before it is read: SQLite locks at the first write, others lock the row.
        first = insert_for(self._database.dialect, feedback_status).on_conflict_do_nothing()
        connection.execute(first, {"status_id": _ONLY_ROW, "enabled": self._configured})
        previous = connection.execute(_STATUS.with_for_update()).scalar_one()
        connection.execute(_CHANGE.values(enabled=enabled))
        return previous
