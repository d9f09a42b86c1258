"""Waiting turns and approvals in memory, as one worker of the store sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
from lightspeed_core.conversations.memory_turns import Memory, batches_of
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn, TurnState


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker of the store knows of itself; `running` are the turns that it runs."""

    owner: str
    lease: timedelta
    clock: Callable[[], datetime]
    running: set[str]


class MemoryApprovals(ApprovalStore):
    """Implements `ApprovalStore`."""

    def __init__(self, memory: Memory, worker: Worker) -> None:
        self._memory = memory
        self._worker = worker

    @override
    async def pause(self, turn: Turn, last_batch: JournalBatch | None, pause: Pause) -> bool:
        stored = self._memory.turns.get(turn.turn_id)
        if stored is None or stored.owner != self._worker.owner or stored.expires_at is None:
            return False
        if stored.is_interrupt_requested:
            return False
        if last_batch is not None:
            stored.journal.setdefault(last_batch.index, last_batch)
        stored.turn, stored.owner = turn, ""
        stored.expires_at = max(each.expires_at for each in pause.approvals) + HELD_BEYOND
        self._memory.approvals |= {each.approval_id: each for each in pause.approvals}
        self._memory.checkpoints[turn.turn_id] = pause.checkpoint
        self._worker.running.discard(turn.turn_id)
        self._memory.changes.announce(turn.conversation_id)
        return True

    @override
    async def answer(self, approval_id: str, answer: Answer) -> Answered:
        now = self._worker.clock()
        approval = self._memory.approvals.get(approval_id)
        if approval is None or approval.state is ApprovalState.EXPIRED:
            raise no_such_approval(approval_id)
        if approval.state is not ApprovalState.OPEN:
            raise already_answered(approval)
        if approval.expires_at <= now:
            raise no_such_approval(approval_id)
        answered = replace(approval, state=answer.state, answered_at=now, reason=answer.reason)
        self._memory.approvals[approval_id] = answered
        if any(map(_is_open, self._of_turn(approval.turn_id))):
            return Answered(approval=answered)
        return Answered(approval=answered, paused=self._take(approval.turn_id))

    @override
    async def take(self, turn_id: str, *, left_open: ApprovalState) -> PausedTurn | None:
        stored = self._memory.turns.get(turn_id)
        if stored is None or not stored.is_paused:
            return None
        now = self._worker.clock()
        for approval in filter(_is_open, self._of_turn(turn_id)):
            settled = replace(approval, state=left_open, answered_at=now)
            self._memory.approvals[approval.approval_id] = settled
        return self._take(turn_id)

    @override
    async def overdue(self) -> Sequence[str]:
        now = self._worker.clock()
        overdue = (
            approval.turn_id
            for approval in self._memory.approvals.values()
            if _is_open(approval) and approval.expires_at <= now
        )
        return list(dict.fromkeys(overdue))

    @override
    async def find(self, approval_id: str) -> Approval | None:
        return self._memory.approvals.get(approval_id)

    @override
    async def open_of(self, user_id: str) -> Sequence[Approval]:
        now = self._worker.clock()
        return [
            approval
            for approval in self._memory.approvals.values()
            if approval.user_id == user_id and _is_open(approval) and approval.expires_at > now
        ]

    @override
    async def purge(self, older_than: timedelta) -> None:
        before = self._worker.clock() - older_than
        approvals = self._memory.approvals
        for approval in list(approvals.values()):
            if approval.answered_at is not None and approval.answered_at < before:
                del approvals[approval.approval_id]

    def _of_turn(self, turn_id: str) -> Sequence[Approval]:
        return [each for each in self._memory.approvals.values() if each.turn_id == turn_id]

    def _take(self, turn_id: str) -> PausedTurn:
        stored = self._memory.turns[turn_id]
        stored.turn = replace(stored.turn, state=TurnState.WAITING)
        stored.owner = self._worker.owner
        stored.expires_at = self._worker.clock() + self._worker.lease
        self._worker.running.add(turn_id)
        return PausedTurn(
            turn=stored.turn,
            journal=tuple(batches_of(stored, after=-1)),
            pause=Pause(
                checkpoint=self._memory.checkpoints.pop(turn_id),
                approvals=tuple(self._of_turn(turn_id)),
            ),
        )


def forget_turn(memory: Memory, turn_id: str) -> None:
    """Drop what a deleted turn waited for."""
    memory.checkpoints.pop(turn_id, None)
    for approval in [each for each in memory.approvals.values() if each.turn_id == turn_id]:
        del memory.approvals[approval.approval_id]


def _is_open(approval: Approval) -> bool:
    return approval.state is ApprovalState.OPEN
