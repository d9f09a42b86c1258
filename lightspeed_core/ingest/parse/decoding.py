"""Bytes become characters: UTF-8 first, then what the text says or looks like."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 65_536
_NO_ASCII = re.compile(rb"[\x80-\xff]+")
# So few wrong bytes are damage and no other encoding.
_DAMAGED: Final = 0.05
_WESTERN: Final = "cp1252"


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode a text file; what cannot be decoded becomes U+FFFD. Never fails."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(_encoding(data, declared), "replace")


def _encoding(data: bytes, declared: str | None) -> str:
    foreign = sum(len(run) for run in _NO_ASCII.findall(data))
    broken = data.decode("utf-8", "replace").count("\ufffd")
    if broken <= _DAMAGED * foreign:
        return "utf-8"
    return _known(declared) or _guessed(data) or _WESTERN


def _guessed(data: bytes) -> str | None:
    # Slow to import, and seldom needed.
    import chardet

    first = _NO_ASCII.search(data)
    start = max(0, first.start() - _SAMPLE // 2) if first else 0
    return _known(chardet.detect(data[start : start + _SAMPLE])["encoding"])


def _known(name: str | None) -> str | None:
    """Give an encoding of characters that Python has; `hex` and its like are none."""
    try:
        codec = codecs.lookup(name or "")
    except (LookupError, ValueError):
        return None
    return codec.name if codec.name not in _NO_TEXT else None


_NO_TEXT: Final = frozenset(
    {"base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib", "idna", "punycode", "undefined"}
)
