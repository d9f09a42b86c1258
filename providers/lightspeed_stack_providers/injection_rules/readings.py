"""The texts that a text may be read as: without its disguises, and with what it encodes.

Each reading is in lower case, without accents, and with single blanks for white space. The work
is linear in the text. It knows no rule.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from lightspeed_stack_providers.injection_rules.encodings import decoded, hidden
from lightspeed_stack_providers.injection_rules.spelling import plain, spellings

_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
# Encodings on top of one another that are taken off.
_LAYERS: Final = 2
_STRING: Final = re.compile(r"\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`")


def readings(text: str) -> Iterator[str]:
    """Give the readings of a text, its plain form first, each once."""
    seen: set[str] = set()
    for reading in _all_readings(text):
        if reading and reading not in seen:
            seen.add(reading)
            yield reading


def _all_readings(text: str) -> Iterator[str]:
    visible = text if text.isascii() else _INVISIBLE.sub("", text)
    if "&" in visible and ";" in visible:
        visible = html.unescape(visible)
    yield from spellings(visible)
    yield from map(plain, _joined(visible))
    for inner in hidden(text):
        yield from spellings(inner)
    yield from _decoded(visible, _LAYERS)


def _decoded(text: str, layers: int) -> Iterator[str]:
    for inner in decoded(text):
        yield from spellings(inner)
        if layers > 1:
            yield from _decoded(inner, layers - 1)


def _joined(visible: str) -> Iterator[str]:
    """Give the strings that stand in a text as one, for an order may come in pieces."""
    strings = [next(filter(None, found)) for found in _STRING.findall(visible)]
    if len(strings) > 1:
        yield "".join(strings)
        yield " ".join(strings)
