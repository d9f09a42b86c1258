"""Who works on which turn, and whom others wait for.

Functions over a connection: some are run by readers, those that change something by the writer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Update, bindparam, exists, select, update

from lightspeed_core.conversations.models import LeaseSigns
from lightspeed_core.conversations.tables import is_live, is_paused, turns
from lightspeed_core.db.writer import Row, Statement

_own: Final = turns.alias("own")
_PRECEDENCE: Final = select(
    exists()
    .where(
        turns.c.conversation_id == _own.c.conversation_id,
        turns.c.position < _own.c.position,
        turns.c.lease_expires_at > bindparam("now"),
    )
    .label("is_blocked")
).where(_own.c.turn_id == bindparam("turn_id"))


class Lease(NamedTuple):
    """A worker's hold on turns until a point in time."""

    owner: str
    expires_at: datetime


def renew(connection: Connection, turn_ids: Sequence[str], lease: Lease) -> LeaseSigns:
    """Prolong the leases that the owner still holds, and tell of the others."""
    connection.execute(
        update(turns)
        .where(turns.c.turn_id.in_(turn_ids), turns.c.lease_owner == lease.owner, is_live)
        .values(lease_expires_at=lease.expires_at)
    )
    ours = connection.execute(
        select(turns.c.turn_id, turns.c.interrupt_requested).where(
            turns.c.turn_id.in_(turn_ids), turns.c.lease_owner == lease.owner
        )
    ).all()
    return LeaseSigns(
        lost=frozenset(turn_ids) - {row.turn_id for row in ours},
        interrupted=frozenset(row.turn_id for row in ours if row.interrupt_requested),
    )


def expired(connection: Connection, now: datetime) -> list[str]:
    """Return the live turns whose lease ran out; those that are no worker's have none."""
    query = select(turns.c.turn_id).where(turns.c.lease_expires_at <= now, ~is_paused)
    return list(connection.scalars(query))


def live_turns(connection: Connection, conversation_id: str, now: datetime) -> list[str]:
    """Return the turns of a conversation that hold a lease which still runs."""
    return list(
        connection.scalars(
            select(turns.c.turn_id)
            .where(
                turns.c.conversation_id == conversation_id,
                turns.c.lease_expires_at > now,
                ~is_paused,
            )
            .order_by(turns.c.position)
        )
    )


def claim(
    connection: Connection, turn_ids: Sequence[str], lease: Lease, now: datetime
) -> list[str]:
    """Lease those turns whose lease is still expired; each is won by exactly one worker."""
    return list(
        connection.scalars(
            update(turns)
            .where(turns.c.turn_id.in_(turn_ids), turns.c.lease_expires_at <= now)
            .values(lease_owner=lease.owner, lease_expires_at=lease.expires_at)
            .returning(turns.c.turn_id)
        )
    )


class Precedence(NamedTuple):
    """Whether a turn is stored, and whether another must end before it may run."""

    is_known: bool
    is_blocked: bool


def precedence(connection: Connection, turn_id: str, now: datetime) -> Precedence:
    """Look for a turn before this one that has a lease which still runs."""
    row = connection.execute(_PRECEDENCE, {"turn_id": turn_id, "now": now}).one_or_none()
    if row is None:
        return Precedence(is_known=False, is_blocked=False)
    return Precedence(is_known=True, is_blocked=row.is_blocked)


class Interruption:
    """The wish that a turn should stop."""

    def __init__(self) -> None:
        self._wish = Statement(6, _wish())

    def wish(self, turn_id: str) -> Row:
        """Return the row that notes the wish."""
        return self._wish, {"of_turn": turn_id}


def _wish() -> Update:
    return (
        update(turns)
        .where(turns.c.turn_id == bindparam("of_turn"), is_live)
        .values(interrupt_requested=True)
    )
