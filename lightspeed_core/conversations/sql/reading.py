"""Questions to the conversation store, and what is done to conversations as a whole.

Functions over a connection: those that change something are run by the writer, the others by
readers.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    RowMapping,
    bindparam,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from lightspeed_core.conversations.encoding import decode
from lightspeed_core.conversations.models import Conversation, ExpiredTurn, JournalBatch
from lightspeed_core.conversations.tables import conversations, is_live, is_paused, journal, turns
from lightspeed_core.domain.turn import Turn

_TURNS: Final = select(
    turns.c.turn_id,
    turns.c.conversation_id,
    turns.c.user_id,
    turns.c.state,
    turns.c.started_at,
    turns.c.completed_at,
    turns.c.document,
)
_TURN: Final = _TURNS.where(turns.c.turn_id == bindparam("turn_id"))
_FINAL_TURNS: Final = _TURNS.where(
    turns.c.conversation_id == bindparam("conversation_id"), turns.c.lease_expires_at.is_(None)
).order_by(turns.c.position.desc())
_BATCHES: Final = (
    select(journal.c.turn_id, journal.c.batch_index, journal.c.payload)
    .where(journal.c.turn_id == bindparam("turn_id"), journal.c.batch_index > bindparam("after"))
    .order_by(journal.c.batch_index)
)
_CONVERSATION: Final = select(conversations).where(
    conversations.c.conversation_id == bindparam("conversation_id")
)


def find_turn(connection: Connection, turn_id: str) -> Turn | None:
    """Return a turn, or None."""
    row = connection.execute(_TURN, {"turn_id": turn_id}).one_or_none()
    return None if row is None else _turn(row)


def find_batches(connection: Connection, turn_id: str, after: int) -> list[JournalBatch]:
    """Return the batches of a turn above an index, in order."""
    rows = connection.execute(_BATCHES, {"turn_id": turn_id, "after": after})
    return [_batch(row) for row in rows.mappings()]


def left_behind(connection: Connection, turn_ids: Sequence[str]) -> list[ExpiredTurn]:
    """Return turns with their journals, in the order in which they were received."""
    query = _TURNS.where(turns.c.turn_id.in_(turn_ids)).order_by(
        turns.c.conversation_id, turns.c.position
    )
    return [
        ExpiredTurn(turn=_turn(row), journal=tuple(find_batches(connection, row.turn_id, -1)))
        for row in connection.execute(query).all()
    ]


def final_turns(connection: Connection, conversation_id: str, limit: int | None) -> list[Turn]:
    """Return the newest final turns of a conversation, oldest first."""
    query = _FINAL_TURNS.limit(limit)
    rows = connection.execute(query, {"conversation_id": conversation_id}).all()
    return [_turn(row) for row in reversed(rows)]


def list_turns(
    connection: Connection, conversation_id: str, limit: int | None, after: str | None
) -> list[Turn]:
    """Return turns that are final or wait for an approval, oldest first, behind `after`."""
    is_shown = or_(~is_live, is_paused)
    query = (
        _TURNS.where(turns.c.conversation_id == conversation_id, is_shown)
        .order_by(turns.c.position)
        .limit(limit)
    )
    if after is not None:
        mark = turns.alias("mark")
        position = select(mark.c.position).where(
            mark.c.turn_id == after, mark.c.conversation_id == conversation_id
        )
        query = query.where(turns.c.position > position.scalar_subquery())
    return [_turn(row) for row in connection.execute(query)]


def find_conversation(connection: Connection, conversation_id: str) -> Conversation | None:
    """Return a conversation, or None."""
    found = connection.execute(_CONVERSATION, {"conversation_id": conversation_id})
    row = found.mappings().one_or_none()
    return None if row is None else _conversation(row)


def list_conversations(
    connection: Connection, user_id: str | None, limit: int | None, after: str | None
) -> list[Conversation]:
    """Return conversations, newest first, beginning behind `after`."""
    query = (
        select(conversations)
        .order_by(conversations.c.last_message_at.desc(), conversations.c.conversation_id.desc())
        .limit(limit)
    )
    if user_id is not None:
        query = query.where(conversations.c.user_id == user_id)
    if after is not None:
        mark = find_conversation(connection, after)
        if mark is None:
            return []
        query = query.where(
            tuple_(conversations.c.last_message_at, conversations.c.conversation_id)
            < tuple_(mark.last_message_at, mark.conversation_id)
        )
    return [_conversation(row) for row in connection.execute(query).mappings()]


def rename(
    connection: Connection, conversation_id: str, topic_summary: str, *, only_unnamed: bool
) -> bool:
    """Set the topic, or only where there is none."""
    change = (
        update(conversations)
        .where(conversations.c.conversation_id == conversation_id)
        .values(topic_summary=topic_summary)
    )
    if only_unnamed:
        change = change.where(conversations.c.topic_summary.is_(None))
    return connection.execute(change).rowcount > 0


def ended_with_journal(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Return some turns that ended before a time and have a journal."""
    return list(
        connection.scalars(
            select(journal.c.turn_id)
            .join(turns, turns.c.turn_id == journal.c.turn_id)
            .where(turns.c.ended_at < before)
            .distinct()
            .limit(limit)
        )
    )


def remove_journals(connection: Connection, turn_ids: Sequence[str]) -> None:
    """Delete the journals of some turns."""
    connection.execute(delete(journal).where(journal.c.turn_id.in_(turn_ids)))


def _turn(row: Row[Any, Any, Any, Any, Any, Any, Any]) -> Turn:
    # By position, as `_TURNS` has them: names cost more than the rest, and histories are long.
    turn_id, conversation_id, user_id, state, started_at, completed_at, document = row
    return decode(
        document,
        turn_id=turn_id,
        conversation_id=conversation_id,
        user_id=user_id,
        state=state,
        started_at=started_at,
        completed_at=completed_at,
    )


def _batch(row: RowMapping) -> JournalBatch:
    return JournalBatch(turn_id=row["turn_id"], index=row["batch_index"], payload=row["payload"])


def _conversation(row: RowMapping) -> Conversation:
    return Conversation(**row)
