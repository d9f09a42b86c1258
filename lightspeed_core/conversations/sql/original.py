"""The tables of the original service: recognised, listed, read, and deleted from.

Functions over a connection to the database in which they stand. Nothing here alters a table or
adds a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    TableClause,
    and_,
    column,
    delete,
    func,
    inspect,
    not_,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.exc import NoSuchTableError

from lightspeed_core.conversations.takeover import Found, Row

METADATA: Final = "user_conversation"
CACHE: Final = "cache"
NAMED: Final = "conversations"
_TURNS: Final = "user_turn"
_SUMMARIES: Final = "conversation_summaries"
# A table is the original's when it has these columns.
_MARKS: Final[Mapping[str, frozenset[str]]] = {
    METADATA: frozenset(
        {
            "id",
            "user_id",
            "last_used_model",
            "last_used_provider",
            "created_at",
            "last_message_at",
            "message_count",
        }
    ),
    _TURNS: frozenset({"conversation_id", "turn_number", "provider", "model"}),
    CACHE: frozenset(
        {"user_id", "conversation_id", "created_at", "query", "response", "provider", "model"}
    ),
    NAMED: frozenset({"user_id", "conversation_id", "topic_summary", "last_message_timestamp"}),
    _SUMMARIES: frozenset({"user_id", "conversation_id", "summarized_through_turn"}),
}
_OF_METADATA: Final = (METADATA, _TURNS)
# What is listed, and by which key.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    METADATA: ("id",),
    CACHE: ("user_id", "conversation_id"),
    NAMED: ("user_id", "conversation_id"),
}

type Key = tuple[str, ...]
type Schemas = Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTable:
    """A table of the original beside those of conversations, from wherever `metadata` are.

    It is read in the order of its `key`, whose columns are texts. `prepare` makes of rows what
    writes them in a transaction of ours, and says of which it cannot, and why.
    """

    name: str
    columns: frozenset[str]
    key: tuple[str, ...]
    prepare: Callable[[Sequence[Row]], "Prepared"]


class Prepared(NamedTuple):
    """Rows that are ready to be written, and the keys of those that are not, each with why."""

    write: Callable[[Connection], object]
    skipped: Sequence[tuple[Sequence[object], str]]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that were recognised, by name."""

    by_name: Mapping[str, TableClause] = field(default_factory=dict[str, TableClause])

    @property
    def listed(self) -> Sequence[str]:
        """The names of those that are read from beginning to end."""
        return [name for name in self.by_name if name not in {_TURNS, _SUMMARIES}]


def recognise(
    connection: Connection, *, metadata: Schemas, cache: Schemas, others: Sequence[OtherTable] = ()
) -> Tables:
    """Return the original's tables, each from the first of its schemas that has it."""
    found: dict[str, TableClause] = {}
    cached = {CACHE, NAMED, _SUMMARIES}
    for name, marks in (*_MARKS.items(), *((each.name, each.columns) for each in others)):
        for schema in cache if name in cached else metadata:
            columns = _columns(connection, name, schema)
            if marks <= columns:
                found[name] = table(name, *map(column, sorted(columns)), schema=schema)
                break
    return Tables(found)


def _columns(connection: Connection, name: str, schema: str | None) -> frozenset[str]:
    try:
        columns = inspect(connection).get_columns(name, schema=schema)
    except NoSuchTableError:
        return frozenset()
    return frozenset(each["name"] for each in columns)


def list_keys(
    connection: Connection, tables: Tables, name: str, after: Key | None, limit: int
) -> list[Key]:
    """Return the next keys of a table that are texts, in order."""
    listed = tables.by_name[name]
    columns = [listed.c[each] for each in KEYS[name]]
    query = (
        select(*columns)
        .where(*(_is_text(connection, each) for each in columns))
        .distinct()
        .order_by(*columns)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*after))
    return [tuple(row) for row in connection.execute(query)]


def list_rows(
    connection: Connection, tables: Tables, other: OtherTable, after: Key | None, limit: int
) -> list[Row]:
    """Return the next rows of a table whose keys are texts, in order."""
    listed = tables.by_name[other.name]
    columns = [listed.c[each] for each in other.key]
    query = (
        select(listed)
        .where(*(_is_text(connection, each) for each in columns))
        .order_by(*columns)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*after))
    return [dict(row) for row in connection.execute(query).mappings()]


def count_unlisted(connection: Connection, tables: Tables, name: str, key: Key) -> int:
    """Return how many rows are never listed; SQLite lets every kind of value be a key."""
    if connection.dialect.name != "sqlite":
        return 0
    listed = tables.by_name[name]
    is_listed = and_(*(_is_text(connection, listed.c[each]) for each in key))
    query = select(func.count()).select_from(listed).where(not_(is_listed))
    return connection.execute(query).scalar_one()


def _is_text(connection: Connection, each: ColumnElement[str]) -> ColumnElement[bool]:
    if connection.dialect.name == "sqlite":
        return func.typeof(each) == "text"
    return each.is_not(None)


def read(
    connection: Connection, tables: Tables, ids: Sequence[str], pairs: Sequence[Key]
) -> Mapping[str, Found]:
    """Return the rows of conversations by the id as it is spelled there.

    `ids` are spellings of ids, `pairs` users with such spellings under whom something is cached.
    """
    metadata = _rows(connection, tables, METADATA, [(each,) for each in ids])
    named = _rows(connection, tables, NAMED, pairs)
    cached = _rows(connection, tables, CACHE, pairs)
    return {
        each: Found(
            metadata=metadata.get(each, ()), named=named.get(each, ()), cached=cached.get(each, ())
        )
        for each in {*metadata, *named, *cached}
    }


def _rows(
    connection: Connection, tables: Tables, name: str, keys: Sequence[Key]
) -> Mapping[str, Sequence[Row]]:
    rows: dict[str, list[Row]] = {}
    listed = tables.by_name.get(name)
    if listed is None or not keys:
        return rows
    query = select(listed).where(_is_among(listed, name, keys))
    spelled = KEYS[name][-1]
    for row in connection.execute(query).mappings():
        rows.setdefault(row[spelled], []).append(dict(row))
    return rows


def _is_among(listed: TableClause, name: str, keys: Sequence[Key]) -> ColumnElement[bool]:
    """Compare each column by itself: of lists of pairs SQLite would read the whole table."""
    if len(KEYS[name]) == 1:
        return listed.c[KEYS[name][0]].in_([each[0] for each in keys])
    by_user: dict[str, list[str]] = {}
    for user_id, spelling in keys:
        by_user.setdefault(user_id, []).append(spelling)
    return or_(
        *(
            and_(listed.c.user_id == user_id, listed.c.conversation_id.in_(spellings))
            for user_id, spellings in by_user.items()
        )
    )


def remove(connection: Connection, tables: Tables, spellings: Sequence[str]) -> None:
    """Delete all rows of a conversation."""
    for name in (_TURNS, METADATA, CACHE, NAMED, _SUMMARIES):
        if (listed := tables.by_name.get(name)) is not None:
            connection.execute(delete(listed).where(_is_of(listed, name, spellings)))


def _is_of(listed: TableClause, name: str, spellings: Sequence[str]) -> ColumnElement[bool]:
    if name in _OF_METADATA:
        return listed.c["id" if name == METADATA else "conversation_id"].in_(spellings)
    # Indexes begin with the user: the users are found in the index, then the rows by it.
    keys = (listed.c.user_id, listed.c.conversation_id)
    return tuple_(*keys).in_(select(*keys).where(listed.c.conversation_id.in_(spellings)))
