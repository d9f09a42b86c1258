"""What a turn writes on its way: begin, journal, finish. Rows for the group writer."""

from datetime import datetime

from sqlalchemy import ColumnElement, Insert, Update, and_, bindparam, func, select, update

from lightspeed_core.conversations.encoding import encode
from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.conversations.tables import conversations, is_live, journal, turns
from lightspeed_core.db.upsert import insert_for
from lightspeed_core.db.writer import Row, Statement
from lightspeed_core.domain.turn import Turn


class Recording:
    """The prepared statements of one worker, `owner`, and their rows."""

    def __init__(self, dialect: str, owner: str) -> None:
        self._owner = owner
        self._create = Statement(0, insert_for(dialect, conversations).on_conflict_do_nothing())
        self._count = Statement(1, _count())
        self._begin = Statement(2, _begin(dialect))
        self._journal = Statement(3, _journal(dialect))
        self._finish = Statement(4, _finish())
        self._touch = Statement(5, _touch())

    def begin(self, turn: Turn, *, expires_at: datetime, is_new: bool) -> list[Row]:
        """Return the rows that receive a turn, and create its conversation if that is new."""
        row = {
            "turn_id": turn.turn_id,
            "conversation_id": turn.conversation_id,
            "in_conversation": turn.conversation_id,
            "user_id": turn.user_id,
            "state": turn.state.value,
            "started_at": turn.started_at,
            "lease_owner": self._owner,
            "lease_expires_at": expires_at,
            "interrupt_requested": False,
            "document": encode(turn),
        }
        rows: list[Row] = [
            (
                self._count,
                {"in_conversation": turn.conversation_id, "of_turn": turn.turn_id},
            ),
            (self._begin, row),
        ]
        if is_new:
            rows.append((self._create, _new_conversation(turn)))
        return rows

    def journal(self, batch: JournalBatch) -> Row:
        """Return the row of a batch."""
        row = {
            "of_turn": batch.turn_id,
            "index": batch.index,
            "content": batch.payload,
            "owner": self._owner,
        }
        return self._journal, row

    def finish(self, turn: Turn, last_batch: JournalBatch | None, now: datetime) -> list[Row]:
        """Return the rows that settle a turn, free its conversation and show it in lists."""
        settled = {
            "of_turn": turn.turn_id,
            "owner": self._owner,
            "state": turn.state.value,
            "completed_at": turn.completed_at,
            "ended_at": now,
            "document": encode(turn),
        }
        shown = {
            "in_conversation": turn.conversation_id,
            "of_turn": turn.turn_id,
            "owner": self._owner,
            "settled_as": turn.state.value,
            "settled_at": now,
            "last_message_at": turn.completed_at or now,
            "last_used_provider": turn.model.provider,
            "last_used_model": turn.model.model,
        }
        rows: list[Row] = [(self._finish, settled), (self._touch, shown)]
        if last_batch is not None:
            rows.append(self.journal(last_batch))
        return rows


def _new_conversation(turn: Turn) -> dict[str, object]:
    return {
        "conversation_id": turn.conversation_id,
        "user_id": turn.user_id,
        "created_at": turn.started_at,
        "last_message_at": turn.started_at,
        "message_count": 0,
        "last_used_provider": turn.model.provider,
        "last_used_model": turn.model.model,
    }


def _count() -> Update:
    """Count a turn that is not stored yet; a write whose commit went unheard comes again.

    The row stays locked until the commit, so positions follow commits.
    """
    is_stored = select(turns.c.turn_id).where(turns.c.turn_id == bindparam("of_turn")).exists()
    return (
        update(conversations)
        .where(conversations.c.conversation_id == bindparam("in_conversation"), ~is_stored)
        .values(message_count=conversations.c.message_count + 1)
    )


def _begin(dialect: str) -> Insert:
    earlier = turns.alias("earlier")
    position = (
        select(func.coalesce(func.max(earlier.c.position), 0) + 1)
        .where(earlier.c.conversation_id == bindparam("in_conversation"))
        .scalar_subquery()
    )
    return (
        insert_for(dialect, turns)
        .values(position=position)
        .on_conflict_do_nothing(index_elements=[turns.c.turn_id])
    )


def _journal(dialect: str) -> Insert:
    """Write a batch of a turn that is live and ours; a lost or deleted turn takes no more."""
    columns = (journal.c.turn_id, journal.c.batch_index, journal.c.payload)
    row = select(
        turns.c.turn_id,
        bindparam("index", type_=journal.c.batch_index.type),
        bindparam("content", type_=journal.c.payload.type),
    ).where(_is_ours(), is_live)
    return insert_for(dialect, journal).from_select(columns, row).on_conflict_do_nothing()


def _finish() -> Update:
    return update(turns).where(_is_ours(), is_live).values(lease_expires_at=None)


def _touch() -> Update:
    """Show in the conversation what `_finish` settled, and nothing if it settled nothing."""
    settled = (
        select(turns.c.turn_id)
        .where(
            _is_ours(),
            turns.c.state == bindparam("settled_as"),
            turns.c.ended_at == bindparam("settled_at"),
        )
        .exists()
    )
    return update(conversations).where(
        conversations.c.conversation_id == bindparam("in_conversation"), settled
    )


def _is_ours() -> ColumnElement[bool]:
    return and_(turns.c.turn_id == bindparam("of_turn"), turns.c.lease_owner == bindparam("owner"))
