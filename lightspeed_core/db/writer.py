"""One writer per process: takes queued writes in groups, one transaction for each group.

Knows statements and rows, not what they mean. A write that fails spoils no other.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.dml import UpdateBase

from lightspeed_core.db.connect import is_busy
from lightspeed_core.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MAX_GROUP: Final = 256
BUSY_ATTEMPTS: Final = 4
BUSY_PAUSE: Final = 0.05
# What nobody waits for is held back this long, in seconds, so that it shares a transaction.
LINGER: Final = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A prepared statement; in a group, lower ranks run first and equal statements as one."""

    rank: int
    sql: UpdateBase


type Row = tuple[Statement, Mapping[str, Any]]
type Work = Callable[[Connection], Any]
type OnSettled = Callable[[StoreUnavailable | None], None]


@dataclass(slots=True, eq=False)
class _Write:
    rows: Sequence[Row]
    work: Work | None = None
    done: asyncio.Future[Any] | None = None
    on_settled: OnSettled | None = None
    is_settled: bool = False

    def succeed(self, result: Any) -> None:
        self.is_settled = True
        if self.on_settled is not None:
            self.on_settled(None)
        if self.done is not None and not self.done.done():
            self.done.set_result(result)

    def fail(self, failure: StoreUnavailable) -> None:
        self.is_settled = True
        if self.on_settled is not None:
            self.on_settled(failure)
        if self.done is not None and not self.done.done():
            self.done.set_exception(failure)


class GroupWriter:
    """Writes in order of receipt, except that a group's rows are sorted by their ranks.

    `run` must be running for anything to be written; it ends after `stop`, with the queue empty.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.failed_writes = 0
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._queue: deque[_Write] = deque()
        self._is_stopping = False
        self._queued = asyncio.Event()
        self._urgent = asyncio.Event()

    def submit(
        self,
        rows: Sequence[Row],
        on_settled: OnSettled | None = None,
        *,
        is_urgent: bool = False,
    ) -> None:
        """Queue rows without waiting; `on_settled` gets None later, or the reason.

        What is not urgent waits a moment for company.
        """
        write = _Write(rows, on_settled=on_settled)
        if self._is_stopping:
            self._fail([write], StoreUnavailable("The database is closed"))
            return
        self._queue.append(write)
        self._queued.set()
        if is_urgent:
            self._urgent.set()

    async def write(self, rows: Sequence[Row]) -> None:
        """Return once the rows are committed; raises `StoreUnavailable` if they are not."""
        await self._wait_for(_Write(rows))

    async def call[T](self, work: Callable[[Connection], T], *, after: Sequence[Row] = ()) -> T:
        """Return what `work` returned, once it and the rows `after` which it runs are committed.

        Raises `StoreUnavailable` if they are not.
        """
        return await self._wait_for(_Write(after, work))

    def stop(self) -> None:
        """Let `run` end once everything queued is written."""
        self._is_stopping = True
        self._queued.set()
        self._urgent.set()

    async def run(self) -> None:
        """Write groups until stopped; when cancelled, what is not written fails."""
        group: list[_Write] = []
        try:
            while await self._next_group_is_due():
                group = self._take_group()
                await self._commit(group)
        finally:
            self._is_stopping = True
            left = [write for write in (*group, *self._queue) if not write.is_settled]
            self._fail(left, StoreUnavailable("The database is closed"))
            await self._disconnect()

    async def _wait_for(self, write: _Write) -> Any:
        if self._is_stopping:
            raise StoreUnavailable("The database is closed")
        write.done = asyncio.get_running_loop().create_future()
        self._queue.append(write)
        self._queued.set()
        self._urgent.set()
        return await write.done

    async def _next_group_is_due(self) -> bool:
        """Wait until something should be written; false when all is done."""
        await self._queued.wait()
        if not self._urgent.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._urgent.wait()
        return bool(self._queue)

    def _take_group(self) -> list[_Write]:
        group = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_GROUP))]
        if not self._queue and not self._is_stopping:
            self._queued.clear()
            self._urgent.clear()
        return group

    async def _commit(self, group: list[_Write]) -> None:
        try:
            results = await self._apply_patiently(group)
        except Exception as error:
            if len(group) == 1 or is_busy(error):
                self._fail(group, error)
                return
            logger.warning("group of writes failed, writing one by one", exc_info=True)
            for write in group:
                await self._commit([write])
        else:
            for write, result in zip(group, results, strict=True):
                write.succeed(result)

    async def _apply_patiently(self, group: list[_Write]) -> list[Any]:
        attempt = 1
        while True:
            try:
                return await self._apply(group)
            except (SQLAlchemyError, OSError) as error:
                if not is_busy(error) or attempt == BUSY_ATTEMPTS:
                    raise
            await asyncio.sleep(BUSY_PAUSE * attempt)
            attempt += 1

    async def _apply(self, group: list[_Write]) -> list[Any]:
        if self._connection is None:
            self._connection = await self._engine.connect()
        try:
            return await self._connection.run_sync(_apply_group, group)
        except BaseException:
            await self._disconnect()
            raise

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, OSError):
                await connection.close()

    def _fail(self, group: list[_Write], error: Exception) -> None:
        self.failed_writes += len(group)
        unnoticed = sum(write.done is None for write in group)
        if unnoticed:
            logger.error("writes were lost: count=%d", unnoticed, exc_info=error)
        for write in group:
            failure = StoreUnavailable()
            failure.__cause__ = error
            write.fail(failure)


def _apply_group(connection: Connection, group: list[_Write]) -> list[Any]:
    with connection.begin():
        for statement, rows in _rows_by_statement(group):
            connection.execute(statement.sql, rows)
        return [write.work(connection) if write.work else None for write in group]


def _rows_by_statement(group: list[_Write]) -> list[tuple[Statement, list[Mapping[str, Any]]]]:
    rows: dict[Statement, list[Mapping[str, Any]]] = {}
    for write in group:
        for statement, row in write.rows:
            rows.setdefault(statement, []).append(row)
    return sorted(rows.items(), key=lambda item: item[0].rank)
