"""Summaries of conversations, one each. Functions over a connection."""

from typing import Final

from sqlalchemy import Connection, bindparam, literal, select, update

from lightspeed_core.conversations.models import Summary
from lightspeed_core.conversations.tables import conversations, summaries
from lightspeed_core.db.upsert import insert_for

_SUMMARY: Final = select(summaries).where(
    summaries.c.conversation_id == bindparam("conversation_id")
)


def find_summary(connection: Connection, conversation_id: str) -> Summary | None:
    """Return the summary of a conversation, or None."""
    found = connection.execute(_SUMMARY, {"conversation_id": conversation_id})
    row = found.mappings().one_or_none()
    return None if row is None else Summary(**row)


def save_summary(
    connection: Connection, summary: Summary, *, dialect: str, replaced: Summary | None
) -> bool:
    """Store a summary in the place of another, or as the first; false when that is not there."""
    if replaced is not None:
        change = (
            update(summaries)
            .where(
                summaries.c.conversation_id == summary.conversation_id,
                summaries.c.last_turn_id == replaced.last_turn_id,
            )
            .values(last_turn_id=summary.last_turn_id, text=summary.text)
        )
        return connection.execute(change).rowcount > 0
    row = select(
        conversations.c.conversation_id, literal(summary.last_turn_id), literal(summary.text)
    ).where(conversations.c.conversation_id == summary.conversation_id)
    columns = (summaries.c.conversation_id, summaries.c.last_turn_id, summaries.c.text)
    first = insert_for(dialect, summaries).from_select(columns, row).on_conflict_do_nothing()
    return connection.execute(first).rowcount > 0
