"""Forms of ids that clients send. It knows no resource and raises nothing but `ValueError`."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator


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


NoNul: Final = AfterValidator(_no_nul)
"""For texts with further limits, which go before it."""

Text = Annotated[str, NoNul]
"""Any text that every database can store."""
