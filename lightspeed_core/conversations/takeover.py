"""What the rows of the original service mean, in the words of the domain.

Rows are mappings from column to whatever the database gave; a column that is not there counts as
null. It knows no database.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID, uuid5

from lightspeed_core.conversations.models import Conversation
from lightspeed_core.db.moments import moment_of
from lightspeed_core.domain.retrieval import ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import ModelRef, Turn, TurnState

# Turns get the same id however often they are read.
_TURNS: Final = UUID("6e9fbf2e-6d3f-4f0c-9f57-0d1d2b6f9a51")
_LARGEST_COUNT: Final = 2**31 - 1

type Row = Mapping[str, object]


class Unreadable(Exception):
    """A row, or a part of one, from which nothing can be made; says why."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was left out: its table, the key of its row, and why."""

    table: str
    key: Sequence[object]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All rows that the original keeps of one conversation, from all its databases."""

    metadata: Sequence[Row] = ()
    named: Sequence[Row] = ()
    cached: Sequence[Row] = ()

    def __add__(self, other: "Found") -> "Found":
        return Found(
            metadata=[*self.metadata, *other.metadata],
            named=[*self.named, *other.named],
            cached=[*self.cached, *other.cached],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A conversation as we keep it; None for one of which nothing can be made."""

    conversation: Conversation | None
    turns: Sequence[Turn] = ()
    skipped: Sequence[Skipped] = field(default=())


def take_over(conversation_id: str, found: Found) -> Taken:
    """Put a conversation together.

    It belongs to the user whom the metadata name, else to who asked first; turns that were cached
    under other users belong to it as well.
    """
    skipped: list[Skipped] = []
    dated = _dated_turns(conversation_id, found.cached, skipped)
    turns = [turn for _, turn in dated]
    metadata = _first_owned(found.metadata, "user_conversation", "id", skipped)
    named = _first_owned(found.named, "conversations", "conversation_id", [])
    owner = _owner(metadata, turns, named)
    if owner is None:
        skipped.append(Skipped("conversation", (conversation_id,), "nobody owns it"))
        return Taken(conversation=None, skipped=skipped)
    named = next((row for row in found.named if row.get("user_id") == owner), named)
    stored = moment_of(named.get("last_message_timestamp"))
    first = moment_of(metadata.get("created_at")) or (turns[0].started_at if turns else stored)
    last = moment_of(metadata.get("last_message_at")) or (dated[-1][0] if dated else stored)
    began, ended = first or last, last or first
    if began is None or ended is None:
        skipped.append(Skipped("conversation", (conversation_id,), "no time of it can be read"))
        return Taken(conversation=None, skipped=skipped)
    last_model = turns[-1].model if turns else None
    conversation = Conversation(
        conversation_id=conversation_id,
        user_id=owner,
        created_at=began,
        last_message_at=ended,
        message_count=_count(metadata.get("message_count"), len(turns)),
        # A user names a conversation in the cache, a model names it in both.
        topic_summary=_words(named, "topic_summary") or _words(metadata, "topic_summary"),
        last_used_provider=_words(metadata, "last_used_provider")
        or (last_model.provider if last_model else None),
        last_used_model=_words(metadata, "last_used_model")
        or (last_model.model if last_model else None),
    )
    return Taken(conversation=conversation, turns=turns, skipped=skipped)


def _owner(metadata: Row, turns: Sequence[Turn], named: Row) -> str | None:
    asked_first = turns[0].user_id if turns else None
    return _words(metadata, "user_id") or asked_first or _words(named, "user_id")


def _first_owned(rows: Iterable[Row], table: str, key: str, skipped: list[Skipped]) -> Row:
    for row in rows:
        if _words(row, "user_id"):
            return row
        skipped.append(Skipped(table, (row.get(key),), "user_id is not a text"))
    return {}


def _dated_turns(
    conversation_id: str, rows: Iterable[Row], skipped: list[Skipped]
) -> list[tuple[datetime, Turn]]:
    dated: dict[str, tuple[datetime, Turn]] = {}
    for row in rows:
        key = (row.get("user_id"), row.get("conversation_id"), row.get("created_at"))

        def note(reason: str, key: tuple[object, ...] = key) -> None:
            skipped.append(Skipped("cache", key, reason))

        try:
            moment, turn = _turn(conversation_id, row, note)
        except Unreadable as error:
            note(str(error))
        else:
            dated.setdefault(turn.turn_id, (moment, turn))
    return sorted(dated.values(), key=lambda each: (each[0], each[1].started_at, each[1].user_id))


def _turn(conversation_id: str, row: Row, note: Callable[[str], None]) -> tuple[datetime, Turn]:
    created = moment_of(row.get("created_at"))
    if created is None:
        raise Unreadable("created_at is not a time")
    user_id = _words(row, "user_id")
    if user_id is None:
        raise Unreadable("user_id is not a text")
    calls = _parts(row, "tool_calls", _call, note)
    names = {call.id: call.name for call in calls}
    turn = Turn(
        turn_id=str(uuid5(_TURNS, json.dumps([conversation_id, user_id, created.isoformat()]))),
        conversation_id=conversation_id,
        user_id=user_id,
        question=_text(row, "query"),
        model=ModelRef(provider=_words(row, "provider") or "", model=_words(row, "model") or ""),
        started_at=moment_of(row.get("started_at")) or created,
        completed_at=moment_of(row.get("completed_at")) or created,
        state=TurnState.COMPLETED,
        text=_text(row, "response"),
        tool_calls=calls,
        tool_results=_parts(row, "tool_results", lambda part: _result(part, names), note),
        referenced_documents=_parts(row, "referenced_documents", _document, note),
    )
    return created, turn


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{column} is not a text")
    return value


def _words(row: Row, column: str) -> str | None:
    """Return a short text that every database can store, or None for anything else."""
    value = row.get(column)
    return value if isinstance(value, str) and value and "\0" not in value else None


def _count(value: object, otherwise: int) -> int:
    if isinstance(value, int) and 0 <= value <= _LARGEST_COUNT:
        return value
    return otherwise


def _parts[T](
    row: Row, column: str, build: Callable[[Row], T], note: Callable[[str], None]
) -> tuple[T, ...]:
    """Return what a column of JSON lists; what is no such list is left out, and noted."""
    value = row.get(column)
    try:
        listed = json.loads(value) if isinstance(value, str) and value else value
    except (ValueError, RecursionError):
        listed = False
    if listed is None or listed == "":
        return ()
    items = cast("list[object]", listed) if isinstance(listed, list) else [False]
    parts = [cast("Row", item) for item in items if isinstance(item, dict)]
    if len(parts) < len(items):
        note(f"{column} is not a list of JSON objects, the rest of the turn was taken over")
    return tuple(build(part) for part in parts)


def _call(part: Row) -> ToolCall:
    arguments = part.get("args", part.get("arguments"))
    return ToolCall(
        id=_said(part, "id"),
        name=_said(part, "name"),
        arguments=cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {},
        type=_said(part, "type") or "function_call",
    )


def _result(part: Row, names: Mapping[str, str]) -> ToolResult:
    call_id = _said(part, "id")
    number = part.get("round")
    return ToolResult(
        call_id=call_id,
        name=names.get(call_id, ""),
        status=_said(part, "status"),
        content=_said(part, "content"),
        type=_said(part, "type") or "function_call",
        round=number if isinstance(number, int) else 1,
    )


def _document(part: Row) -> ReferencedDocument:
    return ReferencedDocument(
        doc_url=_said(part, "doc_url") or None,
        doc_title=_said(part, "doc_title") or None,
        source=_said(part, "source") or None,
        document_id=_said(part, "document_id") or None,
    )


def _said(part: Row, name: str) -> str:
    """Return a text, or anything else as JSON."""
    value = part.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)
