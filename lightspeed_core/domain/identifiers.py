"""Ids of conversations in every spelling. It knows no store and no wire."""

import re
from typing import Final
from uuid import UUID

_STACK_PREFIX: Final = "conv_"
_STACK_ID: Final = re.compile(r"[0-9a-fA-F]{48}")
_UUID: Final = r"(?:urn:)?(?:uuid:)?\{?(?:[0-9a-fA-F]-?){32}\}?"

UUID_PATTERN: Final = f"^{_UUID}$"
"""A UUID in any spelling that Python takes."""
CONVERSATION_ID_PATTERN: Final = f"^(?:{_STACK_PREFIX})?(?:{_STACK_ID.pattern}|{_UUID})$"
"""The id of a conversation in any spelling; what is shown to clients and what is checked."""

_CONVERSATION_ID: Final = re.compile(CONVERSATION_ID_PATTERN)


def normal_conversation_id(value: str) -> str:
    """Return the form under which a conversation is stored.

    Accepted are a UUID in any spelling and 48 hex digits, both with or without `conv_`; raises
    `ValueError` for anything else.
    """
    if not _CONVERSATION_ID.fullmatch(value):
        raise ValueError(f"Improper conversation ID '{value}'")
    bare = value.removeprefix(_STACK_PREFIX)
    return bare if _STACK_ID.fullmatch(bare) else str(UUID(bare))


def conversation_id_spellings(conversation_id: str) -> tuple[str, ...]:
    """Return the spellings under which other services store what we store under this id."""
    bare = [conversation_id]
    if not _STACK_ID.fullmatch(conversation_id):
        bare += [conversation_id.replace("-", ""), conversation_id.upper()]
    return (*bare, *(f"{_STACK_PREFIX}{each}" for each in bare))
