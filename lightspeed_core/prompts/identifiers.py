"""Ids of prompts and placeholders in their texts: how they are written."""

import re
import secrets
from collections.abc import Collection
from typing import Final

_PREFIX: Final = "pmpt_"
_DIGITS: Final = 48
_WORD: Final = r"\w+"

PROMPT_ID_PATTERN: Final = f"^[pP][mM][pP][tT]_[0-9a-fA-F]{{{_DIGITS}}}$"
VARIABLE_PATTERN: Final = f"^{_WORD}$"
PLACEHOLDER_PATTERN: Final = rf"\{{\{{\s*({_WORD})\s*\}}\}}"

_ID: Final = re.compile(PROMPT_ID_PATTERN)
_NAME: Final = re.compile(VARIABLE_PATTERN)
_PLACEHOLDER: Final = re.compile(PLACEHOLDER_PATTERN)


def new_prompt_id() -> str:
    """Return an id that no prompt has."""
    return _PREFIX + secrets.token_hex(_DIGITS // 2)


def is_prompt_id(text: str) -> bool:
    """Say whether a text is written like the id of a prompt, in any case."""
    return _ID.fullmatch(text) is not None


def is_variable(name: str) -> bool:
    """Say whether a name can stand in a placeholder: letters, digits and `_`."""
    return _NAME.fullmatch(name) is not None


def undeclared(text: str, variables: Collection[str]) -> list[str]:
    """Return the names in the placeholders of a text that are no variables, each once."""
    names = dict.fromkeys(_PLACEHOLDER.findall(text))
    return [name for name in names if name not in variables]
