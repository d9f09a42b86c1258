"""A turn as one JSON document, but for the fields that have a place of their own in a store.

Knows the domain's types and no database. Values come back as they were, so long as those of open
mappings (arguments, attributes) are JSON's own and finite. Fields that an older version did not
write take their defaults, those of a newer version are dropped.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack, cast

import orjson

from lightspeed_core.domain.approvals import Approval, ApprovalState
from lightspeed_core.domain.messages import Attachment, TokenUsage
from lightspeed_core.domain.retrieval import Citation, RagChunk, ReferencedDocument
from lightspeed_core.domain.tools import ToolCall, ToolResult
from lightspeed_core.domain.turn import ModelRef, Turn, TurnError, TurnState, TurnWarning

_LISTS: tuple[tuple[str, type[Any]], ...] = (
    ("attachments", Attachment),
    ("tool_calls", ToolCall),
    ("tool_results", ToolResult),
    ("rag_chunks", RagChunk),
    ("referenced_documents", ReferencedDocument),
    ("citations", Citation),
    ("warnings", TurnWarning),
)
_RECORDS: tuple[tuple[str, type[Any]], ...] = (
    ("model", ModelRef),
    ("usage", TokenUsage),
    ("error", TurnError),
)
_PLAIN = ("question", "text", "refused_by", "incomplete_reason", "recorded")
_NAMES = (*_PLAIN, *dict(_RECORDS), *dict(_LISTS), "approvals")
# Serves an answer while it is made.
_OF_THE_MOMENT = frozenset({"origin"})
# Marks a document that only the slower, more lenient parser reads back exactly.
_LENIENT = " "


class Beside(TypedDict):
    """The fields of a turn that a store keeps beside its document."""

    turn_id: str
    conversation_id: str
    user_id: str
    state: str
    started_at: datetime
    completed_at: datetime | None


def encode(turn: Turn) -> str:
    """Return the document of a turn: all fields but those of `Beside` and of the moment."""
    document = {name: getattr(turn, name) for name in _NAMES}
    try:
        return orjson.dumps(document, default=_as_dict).decode()
    except TypeError:
        # Integers beyond 64 bits and lone surrogates, which a model may well produce.
        return _LENIENT + json.dumps(document, default=_as_dict)


def decode(document: str, **beside: Unpack[Beside]) -> Turn:
    """Rebuild a turn from its document and the fields that are kept beside it."""
    lenient = document.startswith(_LENIENT)
    fields: dict[str, Any] = json.loads(document) if lenient else orjson.loads(document)
    known = {name: fields[name] for name in _PLAIN if name in fields}
    for name, kind in _RECORDS:
        if row := fields.get(name):
            known[name] = _build(kind, row)
    for name, kind in _LISTS:
        if rows := fields.get(name):
            known[name] = tuple([_build(kind, row) for row in rows])
    if rows := fields.get("approvals"):
        known["approvals"] = tuple([_approval(row) for row in rows])
    known.update(beside)
    known["state"] = TurnState(beside["state"])
    return Turn(**known)


def _build(kind: type[Any], row: Mapping[str, Any]) -> object:
    names = _field_names(kind)
    if row.keys() <= names.keys():
        return kind(**row)
    return kind(**{name: value for name, value in row.items() if name in names})


def _approval(row: Mapping[str, Any]) -> Approval:
    moments = {
        name: datetime.fromisoformat(row[name])
        for name in ("created_at", "expires_at", "answered_at")
        if row[name] is not None
    }
    state = ApprovalState(row["state"])
    return cast("Approval", _build(Approval, {**row, **moments, "state": state}))


def _as_dict(value: object) -> dict[str, Any] | str:
    """Spell out what a JSON encoder does not know: records, moments, mappings other than dict."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    names = _field_names(type(value))
    return {name: getattr(value, name) for name in names if name not in _OF_THE_MOMENT}


def _field_names(kind: type) -> Mapping[str, object]:
    names: Mapping[str, object] | None = getattr(kind, "__dataclass_fields__", None)
    if names is None:
        raise TypeError(f"not a JSON value: {kind.__name__}")
    return names
