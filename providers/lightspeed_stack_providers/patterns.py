"""Patterns as Python's `re` reads them, in an engine that can be stopped.

Patterns of an operator are written for `re`, which cannot be stopped; `regex` can. What the two
read differently is mended here.
"""

import re
from importlib import import_module
from typing import Any, Final

_PIECE: Final = re.compile(r"\\N\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|\{,\d*\}|.", re.DOTALL)


def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Any:
    """Compile a pattern whose methods take `timeout`, in seconds of computing.

    They raise `TimeoutError` after it. Raises `re.error` for a pattern that `re` refuses.
    """
    is_verbose = re.compile(pattern).flags & re.VERBOSE
    # Without types of its own, and slow to import where no pattern needs it.
    engine: Any = import_module("regex")
    flags = engine.IGNORECASE if ignore_case else 0
    try:
        return engine.compile(pattern if is_verbose else _for_regex(pattern), flags)
    except engine.error as error:
        raise re.error(str(error), pattern) from error


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
