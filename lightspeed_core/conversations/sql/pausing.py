"""Turns that wait for approvals, in the tables. Functions over a connection.

What changes a turn locks its row first, so that of several answers one sees that it is the last.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from lightspeed_core.conversations.approvals import Answer, Answered, Pause, PausedTurn
from lightspeed_core.conversations.encoding import encode
from lightspeed_core.conversations.sql.leases import Lease
from lightspeed_core.conversations.sql.reading import find_batches, find_turn
from lightspeed_core.conversations.tables import (
    approvals,
    checkpoints,
    is_live,
    is_open,
    is_paused,
    turns,
)
from lightspeed_core.db.writer import Row
from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.turn import Turn, TurnState

_NOBODY: Final = ""


class Held(NamedTuple):
    """A waiting turn with what is written of it, and until when its place is taken."""

    turn: Turn
    pause: Pause
    until: datetime
    batch: Sequence[Row]


def pause(connection: Connection, held: Held, owner: str) -> bool:
    """Store a turn that waits; false where it is not the owner's any more or should stop."""
    turn_id = held.turn.turn_id
    waiting = connection.execute(
        update(turns)
        .where(
            turns.c.turn_id == turn_id,
            turns.c.lease_owner == owner,
            turns.c.interrupt_requested.is_(False),
            is_live,
        )
        .values(
            state=held.turn.state.value,
            document=encode(held.turn),
            lease_expires_at=held.until,
        )
    )
    if not waiting.rowcount:
        return False
    for statement, row in held.batch:
        connection.execute(statement.sql, row)
    connection.execute(update(turns).where(turns.c.turn_id == turn_id).values(lease_owner=_NOBODY))
    connection.execute(insert(approvals), [_row(each) for each in held.pause.approvals])
    connection.execute(insert(checkpoints).values(turn_id=turn_id, document=held.pause.checkpoint))
    return True


def answer(
    connection: Connection, approval_id: str, given: Answer, lease: Lease, now: datetime
) -> Answered | Approval | None:
    """Note an answer, and take the turn where it was the last.

    Returns the approval as it stands where it cannot be answered, None where there is none.
    """
    found = find(connection, approval_id)
    if found is None:
        return None
    _lock(connection, found.turn_id)
    noted = connection.execute(
        update(approvals)
        .where(approvals.c.approval_id == approval_id, is_open, approvals.c.expires_at > now)
        .values(state=given.state.value, answered_at=now, reason=given.reason)
    )
    if not noted.rowcount:
        return find(connection, approval_id)
    answered = replace(found, state=given.state, answered_at=now, reason=given.reason)
    if connection.scalar(select(exists().where(approvals.c.turn_id == found.turn_id, is_open))):
        return Answered(approval=answered)
    return Answered(approval=answered, paused=_take(connection, found.turn_id, lease))


def take(
    connection: Connection, turn_id: str, left_open: ApprovalState, lease: Lease, now: datetime
) -> PausedTurn | None:
    """Take a turn that waits; None when it does not."""
    _lock(connection, turn_id)
    if not connection.scalar(select(exists().where(turns.c.turn_id == turn_id, is_paused))):
        return None
    connection.execute(
        update(approvals)
        .where(approvals.c.turn_id == turn_id, is_open)
        .values(state=left_open.value, answered_at=now)
    )
    return _take(connection, turn_id, lease)


def overdue(connection: Connection, now: datetime) -> list[str]:
    """Return the turns that wait for an approval whose time is over."""
    query = select(approvals.c.turn_id).where(is_open, approvals.c.expires_at <= now).distinct()
    return list(connection.scalars(query))


def find(connection: Connection, approval_id: str) -> Approval | None:
    """Return an approval, or None."""
    query = select(approvals).where(approvals.c.approval_id == approval_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _approval(row)


def open_of(connection: Connection, user_id: str, now: datetime) -> list[Approval]:
    """Return the approvals that a user may still answer, the oldest first."""
    query = (
        select(approvals)
        .where(approvals.c.user_id == user_id, is_open, approvals.c.expires_at > now)
        .order_by(approvals.c.created_at, approvals.c.approval_id)
    )
    return [_approval(row) for row in connection.execute(query).mappings()]


def purge(connection: Connection, before: datetime) -> None:
    """Delete what was answered before a time."""
    connection.execute(delete(approvals).where(~is_open, approvals.c.answered_at < before))


def _lock(connection: Connection, turn_id: str) -> None:
    connection.execute(select(turns.c.turn_id).where(turns.c.turn_id == turn_id).with_for_update())


def _take(connection: Connection, turn_id: str, lease: Lease) -> PausedTurn | None:
    """Lease a turn that waits, and return it with all that was kept of it."""
    taken = connection.execute(
        update(turns)
        .where(turns.c.turn_id == turn_id, is_paused)
        .values(
            state=TurnState.WAITING.value,
            lease_owner=lease.owner,
            lease_expires_at=lease.expires_at,
        )
    )
    turn = find_turn(connection, turn_id) if taken.rowcount else None
    if turn is None:
        return None
    of_turn = select(approvals).where(approvals.c.turn_id == turn_id)
    rows = connection.execute(of_turn.order_by(approvals.c.created_at)).mappings()
    checkpoint = connection.scalar(
        delete(checkpoints)
        .where(checkpoints.c.turn_id == turn_id)
        .returning(checkpoints.c.document)
    )
    return PausedTurn(
        turn=turn,
        journal=tuple(find_batches(connection, turn_id, -1)),
        pause=Pause(checkpoint=checkpoint or "", approvals=tuple(_approval(row) for row in rows)),
    )


def _row(approval: Approval) -> dict[str, object]:
    call = {"id": approval.call_id, "arguments": dict(approval.arguments)}
    return {
        "approval_id": approval.approval_id,
        "turn_id": approval.turn_id,
        "conversation_id": approval.conversation_id,
        "user_id": approval.user_id,
        "tool": approval.tool,
        "server": approval.server,
        "digest": approval.digest,
        "call": json.dumps(call),
        "state": approval.state.value,
        "created_at": approval.created_at,
        "expires_at": approval.expires_at,
        "answered_at": approval.answered_at,
        "reason": approval.reason,
    }


def _approval(row: RowMapping) -> Approval:
    fields: dict[str, Any] = dict(row)
    call = json.loads(fields.pop("call"))
    fields["state"] = ApprovalState(fields["state"])
    return Approval(call_id=call["id"], arguments=call["arguments"], **fields)
