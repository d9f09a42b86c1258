"""Forms of ids that clients send. It knows no resource and raises nothing but `ValueError`."""

import re
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator

_STACK_PREFIX: Final = "conv_"
_STACK_ID: Final = re.compile(r"[0-9a-fA-F]{48}")


def normal_conversation_id(value: str) -> str:
    """Return the form under which a conversation is stored.

    Accepted are a UUID in any spelling and 48 hex digits, both with or without `conv_`.
    """
    bare = value.removeprefix(_STACK_PREFIX)
    if _STACK_ID.fullmatch(bare):
        return bare
    try:
        return str(UUID(bare))
    except ValueError:
        raise ValueError(f"Improper conversation ID '{value}'") from None


def normal_turn_id(value: str) -> str:
    """Return the form under which a turn is stored."""
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError(f"Improper request ID {value}") from None


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("NUL characters are not allowed")
    return value


Text = Annotated[str, AfterValidator(_no_nul)]
"""Any text that every database can store."""
