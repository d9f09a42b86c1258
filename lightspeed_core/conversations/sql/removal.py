"""Which conversations are deleted, and how. Functions over a connection."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select, union

from lightspeed_core.conversations.tables import conversations, is_live, turns

type OtherRemoval = Callable[[Connection], None]

_HAS_LIVE_TURN: Final = (
    select(turns.c.turn_id)
    .where(turns.c.conversation_id == conversations.c.conversation_id, is_live)
    .exists()
)


def idle_conversations(
    connection: Connection, before: datetime, after: str | None, limit: int
) -> list[str]:
    """Return conversations without a live turn whose last message is older, in order of id."""
    query = (
        select(conversations.c.conversation_id)
        .where(conversations.c.last_message_at < before, ~_HAS_LIVE_TURN)
        .order_by(conversations.c.conversation_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(conversations.c.conversation_id > after)
    return list(connection.scalars(query))


def users_of(connection: Connection, conversation_id: str) -> list[str]:
    """Return the owner of a conversation and all who asked in it."""
    owner = select(conversations.c.user_id).where(
        conversations.c.conversation_id == conversation_id
    )
    askers = select(turns.c.user_id).where(turns.c.conversation_id == conversation_id)
    return list(connection.scalars(union(owner, askers)))


def remove(
    connection: Connection,
    conversation_id: str,
    *,
    idle_since: datetime | None = None,
    beside: OtherRemoval | None = None,
) -> bool:
    """Delete a conversation; what belongs to it goes with it, by foreign keys.

    With `idle_since` it stays where a turn is live or the last message is not older than that.
    `beside` deletes what else there is of it, in the same transaction.
    """
    removal = delete(conversations).where(conversations.c.conversation_id == conversation_id)
    if idle_since is not None:
        # A turn that is just received locks the row. Whoever waited for it has to look anew, for
        # what a statement sees of other tables is as old as its beginning.
        connection.execute(
            select(conversations.c.conversation_id)
            .where(conversations.c.conversation_id == conversation_id)
            .with_for_update()
        )
        removal = removal.where(conversations.c.last_message_at < idle_since, ~_HAS_LIVE_TURN)
    removed = connection.execute(removal).rowcount > 0
    if beside is not None and (removed or idle_since is None):
        beside(connection)
    return removed
