"""How far the import of the original's conversations has come, in our own database.

Functions over a connection: those that change something are run by the writer, the others by
readers. What several workers do at the same time is done once: a listing moves only from where it
was seen, and a conversation is imported by whoever takes it out of the queue.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Insert, Table, delete, select, update

from lightspeed_core.conversations.encoding import encode
from lightspeed_core.conversations.models import Conversation
from lightspeed_core.conversations.sql.original import Key
from lightspeed_core.conversations.tables import (
    conversations,
    takeover_listings,
    takeover_queue,
    turns,
)
from lightspeed_core.conversations.takeover import Taken
from lightspeed_core.db.postgres import lock_for_migration
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.domain.turn import Turn

_BEGINNING: Final = ""
_IMPORTED: Final = "import"


class Listing(NamedTuple):
    """A table of the original, and the last key of it that was listed."""

    place: str
    table: str
    position: str
    is_finished: bool

    @property
    def after(self) -> Key | None:
        """The key behind which the rest begins."""
        return None if self.position == _BEGINNING else tuple(json.loads(self.position))


class Entry(NamedTuple):
    """A conversation in a place, under the user for whom it is cached there ("" for nobody)."""

    conversation_id: str
    place: str
    user_id: str
    spelling: str


def listings(connection: Connection, places: Sequence[str]) -> list[Listing]:
    """Return what is known of the listings of some places."""
    rows = connection.execute(
        select(takeover_listings).where(takeover_listings.c.place.in_(places))
    )
    return [
        Listing(row.place, row.table_name, row.position, row.finished_at is not None)
        for row in rows
    ]


def begin(connection: Connection, place: str, tables: Sequence[str]) -> None:
    """Note tables to be listed; one that was noted before stays as it is."""
    rows = [{"place": place, "table_name": each, "position": _BEGINNING} for each in tables]
    if rows:
        connection.execute(_insert(connection, takeover_listings), rows)


def move(
    connection: Connection,
    listing: Listing,
    *,
    then: Callable[[Connection], object],
    last: Key | None,
    finished_at: datetime | None,
) -> bool:
    """Do what is due to what was listed behind its position; false when another worker did."""
    _lock(connection)
    position = listing.position if last is None else json.dumps(last)
    moved = connection.execute(
        update(takeover_listings)
        .where(
            takeover_listings.c.place == listing.place,
            takeover_listings.c.table_name == listing.table,
            takeover_listings.c.position == listing.position,
            takeover_listings.c.finished_at.is_(None),
        )
        .values(position=position, finished_at=finished_at)
    )
    if moved.rowcount:
        then(connection)
    return moved.rowcount > 0


def enqueue(connection: Connection, entries: Sequence[Entry]) -> None:
    """Queue conversations; those that are queued stay so."""
    if entries:
        rows = [each._asdict() for each in entries]
        connection.execute(_insert(connection, takeover_queue), rows)


def queued(connection: Connection, limit: int, behind: str) -> list[Entry]:
    """Return the entries of some conversations, of those behind an id first."""
    ids = _queued_ids(connection, limit, behind) or _queued_ids(connection, limit, "")
    rows = connection.execute(
        select(takeover_queue)
        .where(takeover_queue.c.conversation_id.in_(ids))
        .order_by(takeover_queue.c.conversation_id)
    )
    return [Entry(**row) for row in rows.mappings()]


def _queued_ids(connection: Connection, limit: int, behind: str) -> list[str]:
    ids = takeover_queue.c.conversation_id
    query = select(ids).where(ids > behind).distinct().order_by(ids).limit(limit)
    return list(connection.scalars(query))


class Imported(NamedTuple):
    """What was taken out of the queue, and how much of it was written."""

    ids: Sequence[str]
    conversations: int
    turns: int


def import_all(connection: Connection, taken: Mapping[str, Taken], now: datetime) -> Imported:
    """Take conversations out of the queue and write them, each whole.

    What another worker took meanwhile is left out; what we have already stays as it is.
    """
    ids = _dequeue(connection, sorted(taken))
    named = [each for id_ in ids if (each := taken[id_].conversation) is not None]
    if named:
        connection.execute(_insert(connection, conversations), [_row(each) for each in named])
    known = _with_turns(connection, ids)
    rows = [
        _turn_row(turn, position, now)
        for each in named
        if each.conversation_id not in known
        for position, turn in enumerate(taken[each.conversation_id].turns, start=1)
    ]
    if rows:
        connection.execute(_insert(connection, turns), rows)
    return Imported(ids, len(named), len(rows))


def _dequeue(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return those that were still in the queue."""
    _lock(connection)
    removed = connection.scalars(
        delete(takeover_queue)
        .where(takeover_queue.c.conversation_id.in_(ids))
        .returning(takeover_queue.c.conversation_id)
    )
    return sorted(set(removed))


def _with_turns(connection: Connection, ids: Sequence[str]) -> set[str]:
    query = select(turns.c.conversation_id).where(turns.c.conversation_id.in_(ids)).distinct()
    return set(connection.scalars(query))


def _row(conversation: Conversation) -> dict[str, object]:
    return {
        "conversation_id": conversation.conversation_id,
        "user_id": conversation.user_id,
        "created_at": conversation.created_at,
        "last_message_at": conversation.last_message_at,
        "message_count": conversation.message_count,
        "topic_summary": conversation.topic_summary,
        "last_used_provider": conversation.last_used_provider,
        "last_used_model": conversation.last_used_model,
    }


def _turn_row(turn: Turn, position: int, now: datetime) -> dict[str, object]:
    return {
        "turn_id": turn.turn_id,
        "conversation_id": turn.conversation_id,
        "user_id": turn.user_id,
        "position": position,
        "state": turn.state.value,
        "started_at": turn.started_at,
        "completed_at": turn.completed_at,
        "ended_at": turn.completed_at or now,
        "lease_owner": _IMPORTED,
        "lease_expires_at": None,
        "interrupt_requested": False,
        "document": encode(turn),
    }


def _lock(connection: Connection) -> None:
    """Let no other worker write of the import before the transaction ends.

    SQLite's one write lock does that by itself.
    """
    if connection.dialect.name == "postgresql":
        lock_for_migration(connection)


def _insert(connection: Connection, table: Table) -> Insert:
    return insert_for(connection.dialect.name, table).on_conflict_do_nothing()
