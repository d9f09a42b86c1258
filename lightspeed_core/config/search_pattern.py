"""Patterns of an operator, searched for in the words of callers within a bound of time.

They are written for Python's `re`, which cannot be stopped; `regex` can. What the two read
differently is mended here. It knows neither rules nor claims.
"""

import re
from importlib import import_module
from typing import Any


class SearchPattern:
    """A pattern as `re` understands it; raises `re.error` for one that it refuses."""

    def __init__(self, pattern: str) -> None:
        is_verbose = re.compile(pattern).flags & re.VERBOSE
        # Without types of its own, and slow to import where no rule needs it.
        engine: Any = import_module("regex")
        try:
            self._compiled: Any = engine.compile(pattern if is_verbose else _for_regex(pattern))
        except engine.error as error:
            raise re.error(str(error), pattern) from error

    def is_found(self, text: str, *, seconds: float) -> bool:
        """Search a text; raises `TimeoutError` after that many seconds of computing."""
        return self._compiled.search(text, timeout=seconds) is not None


_PIECE = re.compile(r"\\N\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|\{,\d*\}|.", re.DOTALL)


def _for_regex(pattern: str) -> str:
    """Escape what `re` takes literally: a brace that counts nothing, a bracket within a set."""
    pieces: list[str] = []
    set_began: int | None = None
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        is_first = set_began is not None and pattern[set_began : found.start()] in {"[", "[^"}
        if set_began is None:
            if piece == "[":
                set_began = found.start()
            elif piece == "{":
                piece = r"\{"
        elif piece == "[":
            piece = r"\["
        elif piece == "]" and not is_first:
            set_began = None
        pieces.append(piece)
    return "".join(pieces)
