"""What a request touched beyond its path, noted by whoever finds out; the audit reads it.

Outside of a request nothing is noted. A note is an id, a name of ours or a setting, never what a
user wrote.
"""

from contextvars import ContextVar, Token
from typing import Final

type Notes = dict[str, str]

_notes: Final[ContextVar[Notes | None]] = ContextVar("notes", default=None)


def open_notes() -> tuple[Notes, Token[Notes | None]]:
    """Begin a request; returns where its notes go, and what ends it."""
    notes: Notes = {}
    return notes, _notes.set(notes)


def close_notes(token: Token[Notes | None]) -> None:
    """End a request."""
    _notes.reset(token)


def note(**what: str) -> None:
    """Note ids, owners and powers by name; the last of a name counts."""
    if (notes := _notes.get()) is not None:
        notes.update(what)
