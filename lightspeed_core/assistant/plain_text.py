"""Whether an input is plain text, or hides from its readers what it says to a model.

Pure: it knows neither requests nor answers.
"""

import re
import unicodedata
from typing import Final

SANITIZER: Final = "input_sanitizer"
"""The name under which it refuses, as a shield has one."""

DISGUISED: Final = (
    "Your input contains characters or encoding patterns that cannot be processed. "
    "Please rephrase your question in plain text."
)

# Letters that look like Latin ones: runes, enclosed, full-width and mathematical alphanumerics.
_LOOKALIKES: Final = re.compile(
    "[\u16a0-\u16ff\u2460-\u24ff\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff"
    "\U0001f110-\U0001f189]"
)
# A run is looked at from its start alone, so that time grows with the text and no faster.
_BINARY: Final = re.compile(r"(?<![01])(?:[01]{8}[ ,\n]?){7}[01]{8}")
# The longest digest in use, SHA-512, has 128 digits.
_LONG_HEX: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{129}")
_HEX: Final = re.compile(r"(?:(?<![0-9a-fA-F])|(?=\\x))(?:(?:\\x|0x)?[0-9a-fA-F]{2}[ ,:]?){16,}")
_AROUND_HEX: Final = re.compile(r"\\x|0x|[ ,:]")
_NAMES: Final = (
    "(?:system|assistant|(?:tool|function)_?(?:calls?|response|results?)|im_(?:start|end))"
)
_MARKUP: Final = re.compile(
    rf"""<\s{{0,2}}/?\s{{0,2}}{_NAMES}\s{{0,2}}/?>
      | </?{_NAMES}\s[^<>]{{0,200}}>
      | <\|[^|<>\n]{{1,40}}\|>
      | \[/?INST\]
      | <</?SYS>>""",
    re.IGNORECASE | re.VERBOSE,
)


def normal_text(text: str) -> str:
    """Return the text in Unicode's normal form C."""
    return unicodedata.normalize("NFC", text)


def is_disguised(text: str) -> bool:
    """Say whether a text has letters in disguise, encoded text, or marks of a model's own format.

    Digests, addresses and dumps of binary data are none of these: digits of up to 128 in a row are
    refused only where they spell a text.
    """
    patterns = (_LOOKALIKES, _BINARY, _LONG_HEX, _MARKUP)
    if any(pattern.search(text) for pattern in patterns):
        return True
    return any(_spells_text(match[0]) for match in _HEX.finditer(text))


def _spells_text(run: str) -> bool:
    digits = _AROUND_HEX.sub("", run).lower()
    # Columns of decimal numbers have no letters; a text of this length has an l, m, n or o.
    if not re.search("[a-f]", digits):
        return False
    return all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in bytes.fromhex(digits))
