"""Keys and tokens in the texts of others, such as an endpoint's error: found by form and masked."""

import re
from typing import Final

MASK: Final = "***"

# What vendors begin their keys with, and what announces one; in lower case.
_BEGINNINGS: Final = ("sk-", "sk_", "pk_", "rk_", "hf_", "xai-", "nvapi-", "glpat-", "ghp_", "gho_")
_HINTS: Final = (
    *_BEGINNINGS,
    "aiza",
    "eyj",
    "bearer ",
    "basic ",
    "api_key=",
    "apikey=",
    "password=",
)

_SECRET: Final = re.compile(
    rf"\bg?(?:{'|'.join(_BEGINNINGS)})[\w-]{{8,}}"
    r"|\baiza[\w-]{20,}"
    # A token of three parts.
    r"|\beyj[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?:(?<=bearer )|(?<=basic ))(?=\S*\d)[^\s\"',;]{8,}"
    r"|(?:(?<=api_key=)|(?<=apikey=)|(?<=password=))[^\s\"',;&]{4,}",
    re.IGNORECASE,
)


def mask_secrets(text: str) -> str:
    """Return a text without anything that looks like a key or a token."""
    lowered = text.lower()
    # Most texts have none, and each line of the log comes here.
    if not any(hint in lowered for hint in _HINTS):
        return text
    return _SECRET.sub(MASK, text)
