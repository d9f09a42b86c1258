"""The conversation store over a `Database`: what is asked of it, and in what order it is done."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self, override

from lightspeed_core.conversations.approvals import ApprovalStore
from lightspeed_core.conversations.changes import Changes, wait_at_most
from lightspeed_core.conversations.leasing import DEFAULT_LEASE, POLL
from lightspeed_core.conversations.lineup import Lineup
from lightspeed_core.conversations.models import (
    Conversation,
    ExpiredTurn,
    JournalBatch,
    LeaseSigns,
    Summary,
)
from lightspeed_core.conversations.sql import leases, reading, removal, summaries
from lightspeed_core.conversations.sql.approvals import SqlApprovals, Worker
from lightspeed_core.conversations.sql.recording import Recording
from lightspeed_core.conversations.sql.takeover import Takeover
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.db.database import Database
from lightspeed_core.domain.turn import Turn
from lightspeed_core.errors import NotFound, StoreUnavailable

if TYPE_CHECKING:
    from lightspeed_core.conversations.sql.removal import OtherRemoval
    from lightspeed_core.db.writer import Row

_PURGED_AT_ONCE: Final = 200


class SqlConversationStore(ConversationStore):
    """Implements `ConversationStore`; one object is one worker.

    Everything is written by the database's one writer. Several workers, and several hosts, may
    share a database; `is_shared` says that they do. Leases go by `clock`, and without one by the
    database's. What `takeover` imports is complete before anybody is told that something is not
    there.
    """

    def __init__(
        self,
        database: Database,
        *,
        is_shared: bool = False,
        lease: timedelta = DEFAULT_LEASE,
        clock: Callable[[], datetime] | None = None,
        takeover: Takeover | None = None,
        on_journaled: Callable[[float], None] | None = None,
    ) -> None:
        self._database = database
        self._takeover = takeover
        self._writer = database.writer
        self._is_shared = is_shared
        self._lease = lease
        self._clock = clock or database.clock
        self._on_journaled = on_journaled
        self._owner = uuid.uuid4().hex
        self._recording = Recording(database.dialect, self._owner)
        self._interruption = leases.Interruption()
        self._changes = Changes()
        self._lineup = Lineup()
        # Set once the beginning of a new conversation is settled; by conversation and by turn.
        self._openings: dict[str, asyncio.Event] = {}
        # First turns that could not be written: `finish` writes them again.
        self._unwritten: dict[str, Sequence[Row]] = {}
        self._approvals = SqlApprovals(
            database,
            Worker(
                recording=self._recording,
                lineup=self._lineup,
                changes=self._changes,
                clock=self._clock,
                new_lease=self._new_lease,
            ),
        )

    @property
    @override
    def approvals(self) -> ApprovalStore:
        return self._approvals

    @property
    @override
    def is_complete(self) -> bool:
        return self._takeover is None or self._takeover.is_finished

    @property
    def failed_writes(self) -> int:
        """How many writes of this database were given up."""
        return self._writer.failed_writes

    @property
    @override
    def is_shared(self) -> bool:
        return self._is_shared

    @override
    async def open(self) -> None:
        await self._database.open()

    @override
    async def close(self) -> None:
        await self._database.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @override
    async def begin(self, turn: Turn) -> None:
        """Receive a turn; raises `NotFound` when its conversation is gone."""
        now = self._clock()
        try:
            precedence = await self._writer.call(
                lambda connection: leases.precedence(connection, turn.turn_id, now),
                after=self._join(turn, is_new=False),
            )
            # Nobody can come before it any more, so it stays free.
            if not precedence.is_blocked and not self._lineup.is_blocked(turn.turn_id):
                self._lineup.set_free(turn.turn_id)
        except BaseException as error:
            self._leave(turn)
            if isinstance(error, StoreUnavailable):
                await self._require(turn.conversation_id)
            raise

    @override
    def begin_new(self, turn: Turn) -> None:
        rows = self._join(turn, is_new=True)
        opening = asyncio.Event()
        self._openings[turn.turn_id] = self._openings[turn.conversation_id] = opening

        def settle(failure: StoreUnavailable | None) -> None:
            if failure is not None:
                self._unwritten[turn.turn_id] = rows
            del self._openings[turn.turn_id], self._openings[turn.conversation_id]
            opening.set()

        self._writer.submit(rows, settle, is_urgent=self._is_shared)

    @override
    async def opened(self, turn: Turn) -> None:
        await self._settled_opening(turn.turn_id)

    @override
    async def wait_for_predecessors(self, turn: Turn) -> None:
        """Wait for earlier turns; raises `NotFound` when the conversation is deleted meanwhile."""
        if self._lineup.is_free(turn.turn_id):
            return
        while True:
            change = self._changes.next(turn.conversation_id)
            if not await self._is_blocked(turn):
                return
            await wait_at_most(change, POLL)

    @override
    def append_journal(self, batch: JournalBatch) -> None:
        queued_at = time.monotonic()

        def settle(failure: StoreUnavailable | None) -> None:
            if failure is None and self._on_journaled is not None:
                self._on_journaled(time.monotonic() - queued_at)

        self._writer.submit([self._recording.journal(batch)], settle)

    @override
    async def finish(self, turn: Turn, last_batch: JournalBatch | None) -> None:
        try:
            rows = self._recording.finish(turn, last_batch, self._clock())
            await self._writer.write([*self._unwritten.pop(turn.turn_id, ()), *rows])
            if turn.turn_id in self._unwritten:
                # Its beginning failed in the same group, so there was nothing to finish.
                await self._writer.write([*self._unwritten[turn.turn_id], *rows])
        finally:
            self._unwritten.pop(turn.turn_id, None)
            self._leave(turn)

    @override
    async def renew_leases(self, turn_ids: Sequence[str]) -> LeaseSigns:
        """Prolong leases; a turn that could not be written yet counts as held."""
        if not turn_ids:
            return LeaseSigns(lost=frozenset(), interrupted=frozenset())
        lease = self._new_lease()
        signs = await self._writer.call(
            lambda connection: leases.renew(connection, turn_ids, lease)
        )
        return LeaseSigns(lost=signs.lost - self._unwritten.keys(), interrupted=signs.interrupted)

    @override
    async def claim_expired(self) -> list[ExpiredTurn]:
        """Take over expired turns, but not those that run in this very worker."""
        await self._database.set_clock()
        now, lease = self._clock(), self._new_lease()
        found = await self._database.read(lambda connection: leases.expired(connection, now))
        others = [turn_id for turn_id in found if turn_id not in self._lineup]
        if not others:
            return []
        claimed = await self._writer.call(
            lambda connection: leases.claim(connection, others, lease, now)
        )
        return await self._database.read(
            lambda connection: reading.left_behind(connection, claimed)
        )

    @override
    async def request_interrupt(self, turn_id: str) -> None:
        await self._writer.write([self._interruption.wish(turn_id)])

    @override
    async def find_turn(self, turn_id: str) -> Turn | None:
        await self._settled_opening(turn_id)
        return await self._database.read(partial(reading.find_turn, turn_id=turn_id))

    @override
    async def journal(self, turn_id: str, *, after: int = -1) -> list[JournalBatch]:
        return await self._database.read(
            lambda connection: reading.find_batches(connection, turn_id, after)
        )

    @override
    async def purge_journal(self, older_than: timedelta) -> None:
        before = self._clock() - older_than
        while ended := await self._database.read(
            lambda connection: reading.ended_with_journal(connection, before, _PURGED_AT_ONCE)
        ):
            await self._writer.call(partial(reading.remove_journals, turn_ids=ended))

    @override
    async def find(self, conversation_id: str) -> Conversation | None:
        await self._settled_opening(conversation_id)
        look = partial(reading.find_conversation, conversation_id=conversation_id)
        found = await self._database.read(look)
        if found is not None or self._takeover is None or self._takeover.is_finished:
            return found
        await self._takeover.wait()
        return await self._database.read(look)

    @override
    async def history(self, conversation_id: str, *, limit: int | None = None) -> list[Turn]:
        return await self._database.read(
            lambda connection: reading.final_turns(connection, conversation_id, limit)
        )

    @override
    async def list_turns(
        self, conversation_id: str, *, limit: int | None = None, after: str | None = None
    ) -> Sequence[Turn]:
        return await self._database.read(
            lambda connection: reading.list_turns(connection, conversation_id, limit, after)
        )

    @override
    async def find_summary(self, conversation_id: str) -> Summary | None:
        return await self._database.read(
            partial(summaries.find_summary, conversation_id=conversation_id)
        )

    @override
    async def save_summary(self, summary: Summary, *, replaced: Summary | None) -> bool:
        work = partial(
            summaries.save_summary,
            summary=summary,
            dialect=self._database.dialect,
            replaced=replaced,
        )
        return await self._writer.call(work)

    @override
    async def live_turns(self, conversation_id: str) -> Sequence[str]:
        now = self._clock()
        return await self._database.read(
            lambda connection: leases.live_turns(connection, conversation_id, now)
        )

    @override
    async def list(
        self, user_id: str | None, *, limit: int | None = None, after: str | None = None
    ) -> list[Conversation]:
        if self._takeover is not None:
            await self._takeover.wait()
        return await self._database.read(
            lambda connection: reading.list_conversations(connection, user_id, limit, after)
        )

    @override
    async def rename(
        self, conversation_id: str, topic_summary: str, *, only_unnamed: bool = False
    ) -> bool:
        return await self._writer.call(
            lambda connection: reading.rename(
                connection, conversation_id, topic_summary, only_unnamed=only_unnamed
            )
        )

    @override
    async def idle(
        self, idle_for: timedelta, *, limit: int, after: str | None = None
    ) -> Sequence[str]:
        before = self._clock() - idle_for
        return await self._database.read(
            lambda connection: removal.idle_conversations(connection, before, after, limit)
        )

    @override
    async def users_of(self, conversation_id: str) -> Sequence[str]:
        return await self._database.read(partial(removal.users_of, conversation_id=conversation_id))

    @override
    async def delete(self, conversation_id: str, *, idle_for: timedelta | None = None) -> bool:
        work = partial(
            removal.remove,
            conversation_id=conversation_id,
            idle_since=None if idle_for is None else self._clock() - idle_for,
            beside=await self._removal_elsewhere(conversation_id),
        )
        removed = await self._writer.call(work)
        if removed or idle_for is None:
            self._lineup.dissolve(conversation_id)
            self._changes.announce(conversation_id)
        if removed:
            self._database.erase_deleted()
        return removed

    async def _removal_elsewhere(self, conversation_id: str) -> "OtherRemoval | None":
        if self._takeover is None:
            return None
        await self._takeover.wait()
        return await self._takeover.remove(conversation_id)

    async def _is_blocked(self, turn: Turn) -> bool:
        if self._lineup.is_blocked(turn.turn_id):
            return True
        now = self._clock()
        precedence = await self._database.read(
            lambda connection: leases.precedence(connection, turn.turn_id, now)
        )
        if not precedence.is_known:
            await self._require(turn.conversation_id)
        return precedence.is_blocked

    async def _require(self, conversation_id: str) -> None:
        if await self.find(conversation_id) is None:
            raise NotFound("conversation", conversation_id)

    async def _settled_opening(self, key: str) -> None:
        """Wait until what this worker announced as new is written, or will not be."""
        if (opening := self._openings.get(key)) is not None:
            await opening.wait()

    def _join(self, turn: Turn, *, is_new: bool) -> Sequence["Row"]:
        lease = self._new_lease()
        rows = self._recording.begin(turn, expires_at=lease.expires_at, is_new=is_new)
        self._lineup.join(turn.turn_id, turn.conversation_id, is_free=is_new)
        return rows

    def _leave(self, turn: Turn) -> None:
        self._lineup.leave(turn.turn_id)
        self._changes.announce(turn.conversation_id)

    def _new_lease(self) -> leases.Lease:
        return leases.Lease(self._owner, self._clock() + self._lease)
