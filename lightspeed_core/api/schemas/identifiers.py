"""Forms of ids and texts that clients send. It knows no resource, raises nothing but `ValueError`.

A pattern here is what the API's description shows and what is checked, so that the two agree.
"""

import re
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from lightspeed_core.domain.identifiers import CONVERSATION_ID_PATTERN, UUID_PATTERN

TEXT_PATTERN: Final = r"^[^\u0000]*$"
NOT_BLANK_PATTERN: Final = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

_ANY_UUID: Final = re.compile(UUID_PATTERN)

UuidText = Annotated[str, Field(json_schema_extra={"pattern": UUID_PATTERN})]
"""A parameter that is described as a UUID; `normal_uuid` checks it.

The framework would answer what is none with status 422, where an id of another form is 400.
"""

ConversationIdText = Annotated[str, Field(json_schema_extra={"pattern": CONVERSATION_ID_PATTERN})]
"""The same for the id of a conversation and `normal_conversation_id`."""


def normal_uuid(value: str) -> str:
    """Return the usual spelling of a UUID."""
    if not _ANY_UUID.fullmatch(value):
        raise ValueError(f"'{value}' is no UUID")
    return str(UUID(value))


def normal_turn_id(value: str) -> str:
    """Return the form under which a turn is stored."""
    try:
        return normal_uuid(value)
    except ValueError:
        raise ValueError(f"Improper request ID {value}") from None


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("NUL characters are not allowed")
    return value


NoNul: Final = AfterValidator(_no_nul)
"""For texts with further limits, which go before it."""

Text = Annotated[str, NoNul, Field(json_schema_extra={"pattern": TEXT_PATTERN})]
"""Any text that every database can store."""
