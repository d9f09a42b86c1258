"""Waiting turns and approvals over a `Database`, as one worker of the conversation store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import override

from lightspeed_core.conversations.approvals import (
    HELD_BEYOND,
    Answer,
    Answered,
    ApprovalStore,
    Pause,
    PausedTurn,
    already_answered,
    no_such_approval,
)
from lightspeed_core.conversations.changes import Changes
from lightspeed_core.conversations.lineup import Lineup
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.sql import pausing
from lightspeed_core.conversations.sql.leases import Lease
from lightspeed_core.conversations.sql.recording import Recording
from lightspeed_core.db.database import Database
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a worker of the store knows of itself and of its turns."""

    recording: Recording
    lineup: Lineup
    changes: Changes
    clock: Callable[[], datetime]
    new_lease: Callable[[], Lease]


class SqlApprovals(ApprovalStore):
    """Implements `ApprovalStore`."""

    def __init__(self, database: Database, worker: Worker) -> None:
        self._database = database
        self._worker = worker

    @override
    async def pause(self, turn: Turn, last_batch: JournalBatch | None, pause: Pause) -> bool:
        worker = self._worker
        held = pausing.Held(
            turn=turn,
            pause=pause,
            until=max(each.expires_at for each in pause.approvals) + HELD_BEYOND,
            batch=[worker.recording.journal(last_batch)] if last_batch is not None else [],
        )
        owner = worker.new_lease().owner
        paused = await self._database.writer.call(
            lambda connection: pausing.pause(connection, held, owner)
        )
        if paused:
            worker.lineup.leave(turn.turn_id)
            worker.changes.announce(turn.conversation_id)
        return paused

    @override
    async def answer(self, approval_id: str, answer: Answer) -> Answered:
        lease, now = self._worker.new_lease(), self._worker.clock()
        answered = await self._database.writer.call(
            lambda connection: pausing.answer(connection, approval_id, answer, lease, now)
        )
        if answered is None:
            raise no_such_approval(approval_id)
        if isinstance(answered, Approval):
            if answered.state in {ApprovalState.OPEN, ApprovalState.EXPIRED}:
                raise no_such_approval(approval_id)
            raise already_answered(answered)
        self._join(answered.paused)
        return answered

    @override
    async def take(self, turn_id: str, *, left_open: ApprovalState) -> PausedTurn | None:
        lease, now = self._worker.new_lease(), self._worker.clock()
        paused = await self._database.writer.call(
            lambda connection: pausing.take(connection, turn_id, left_open, lease, now)
        )
        self._join(paused)
        return paused

    @override
    async def overdue(self) -> Sequence[str]:
        now = self._worker.clock()
        return await self._database.read(lambda connection: pausing.overdue(connection, now))

    @override
    async def find(self, approval_id: str) -> Approval | None:
        return await self._database.read(partial(pausing.find, approval_id=approval_id))

    @override
    async def open_of(self, user_id: str) -> Sequence[Approval]:
        now = self._worker.clock()
        return await self._database.read(
            lambda connection: pausing.open_of(connection, user_id, now)
        )

    @override
    async def purge(self, older_than: timedelta) -> None:
        before = self._worker.clock() - older_than
        await self._database.writer.call(lambda connection: pausing.purge(connection, before))

    def _join(self, paused: PausedTurn | None) -> None:
        if paused is not None:
            turn = paused.turn
            self._worker.lineup.join(turn.turn_id, turn.conversation_id, is_free=True)
