"""Ids of prompts and placeholders in their texts: how they are written."""

import re
import secrets
from collections.abc import Collection
from typing import Final

_PREFIX: Final = "pmpt_"
_DIGITS: Final = 48
_ID: Final = re.compile(rf"{_PREFIX}[0-9a-f]{{{_DIGITS}}}")
_NAME: Final = re.compile(r"\w+")
_PLACEHOLDER: Final = re.compile(r"{{\s*(\w+)\s*}}")


def new_prompt_id() -> str:
    """Return an id that no prompt has."""
    return _PREFIX + secrets.token_hex(_DIGITS // 2)


def is_prompt_id(text: str) -> bool:
    """Say whether a text is written like the id of a prompt."""
    return _ID.fullmatch(text) is not None


def is_variable(name: str) -> bool:
    """Say whether a name can stand in a placeholder: letters, digits and `_`."""
    return _NAME.fullmatch(name) is not None


def undeclared(text: str, variables: Collection[str]) -> list[str]:
    """Return the names in the placeholders of a text that are no variables, each once."""
    names = dict.fromkeys(_PLACEHOLDER.findall(text))
    return [name for name in names if name not in variables]
