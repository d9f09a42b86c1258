"""The journal of a running turn: its events in batches.

It serves readers on other workers and the time after a crash. It numbers batches, not wire
events: whoever replays a turn renders it anew and counts again.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter

from lightspeed_core.conversations.models import JournalBatch
from lightspeed_core.domain.events import (
    ApprovalAnswered,
    ApprovalRequired,
    CitationVerified,
    ConversationCompacted,
    DocumentsRetrieved,
    QuestionRewritten,
    Refused,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnIncomplete,
    TurnStarted,
    Warned,
)

logger = logging.getLogger(__name__)

JOURNAL_INTERVAL_SECONDS = 0.1

_TEXT = "TextDelta"
_KINDS: dict[str, type[TurnEvent]] = {
    kind.__name__: kind
    for kind in (
        TurnStarted,
        ToolCallStarted,
        ToolCallFinished,
        DocumentsRetrieved,
        CitationVerified,
        ConversationCompacted,
        QuestionRewritten,
        Refused,
        Warned,
        TurnIncomplete,
        ApprovalRequired,
        ApprovalAnswered,
    )
}


@cache
def _adapter(kind: str) -> TypeAdapter[TurnEvent]:
    return TypeAdapter(_KINDS[kind])


def encode_events(events: Iterable[TurnEvent]) -> bytes:
    """Encode events; terminal ones are left out, for the stored turn says how it ended."""
    rows: list[tuple[str, Any]] = []
    for event in events:
        if isinstance(event, TextDelta):
            rows.append((_TEXT, event.tokens))
        elif type(event).__name__ in _KINDS:
            rows.append((type(event).__name__, event))
    try:
        return orjson.dumps(rows)
    except TypeError:
        # Lone surrogates and integers beyond 64 bits, which arguments of a tool may well hold.
        return json.dumps(rows, default=_as_json, ensure_ascii=False).encode(errors="replace")


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def decode_events(payload: bytes) -> list[TurnEvent]:
    """Decode what `encode_events` wrote, without events that only newer versions know.

    Raises `ValueError` for what is damaged.
    """
    events: list[TurnEvent] = []
    for kind, value in orjson.loads(payload):
        if kind == _TEXT:
            events.append(TextDelta(tuple(value)))
        elif kind in _KINDS:
            events.append(_adapter(kind).validate_python(value))
    return events


def read_journal(turn_id: str, batches: Iterable[JournalBatch]) -> list[TurnEvent]:
    """Decode the batches of a turn; from the first damaged one on, nothing."""
    events: list[TurnEvent] = []
    try:
        for batch in batches:
            events.extend(decode_events(batch.payload))
    except ValueError:
        logger.exception("journal was not readable turn_id=%s", turn_id)
    return events


class TurnJournal:
    """Gathers the events of one turn and hands them on in batches, numbered from `index`."""

    def __init__(
        self, turn_id: str, append: Callable[[JournalBatch], None], *, index: int = 0
    ) -> None:
        self._turn_id = turn_id
        self._append = append
        self._pending: list[TurnEvent] = []
        self._index = index

    def add(self, event: TurnEvent) -> bool:
        """Note an event; true when it is the first of a batch, so that a flush is due."""
        self._pending.append(event)
        return len(self._pending) == 1

    def flush(self) -> None:
        """Hand on what is pending."""
        if (batch := self.take()) is not None:
            self._append(batch)

    def take(self) -> JournalBatch | None:
        """Return what is pending as a batch, for whoever writes it together with the end."""
        if not self._pending:
            return None
        batch = JournalBatch(
            turn_id=self._turn_id, index=self._index, payload=encode_events(self._pending)
        )
        self._pending.clear()
        self._index += 1
        return batch
