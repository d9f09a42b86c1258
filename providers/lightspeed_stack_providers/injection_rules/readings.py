"""The texts that a text may be read as: without its disguises, and with what it encodes.

Each reading is in lower case, without accents, and with single blanks for white space. The work
is linear in the text. It knows no rule.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

# Cyrillic and Greek letters that look like Latin ones (confusables of Unicode TR 39).
_LOOKALIKES: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u04bb\u0501\u051b\u0432\u043c"
    "\u043d\u043a\u0442\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131"
    "\u0261\u0251\u026a\u029f\u0299\u0280",
    "aeopcyxisjhdwbmhktabeikvoptuxigailbr",
)
_FOREIGN: Final = re.compile("[\u0131\u0250-\u02af\u0370-\u052f]")
_LEET: Final = str.maketrans("013457@$", "oieastas")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")
_SPACE: Final = re.compile(r"\s+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){8,}|(?:(?:\\x|0x|%)[0-9a-fA-F]{2}[ ,]?){8,}")
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
_LETTERS_APART: Final = re.compile(
    r"(?<!\w)\w(?:[-._*~|\u00b7]\w(?!\w)){2,}|(?<!\w)\w(?: \w(?!\w)){3,}"
)
_APART: Final = re.compile(r"(?<=\w)[-._*~|\u00b7 ](?=\w(?!\w))")
_BACKWARDS: Final = re.compile("snoitcurtsni|tpmorp|selur|senilediug|erongi|drager")
_ROT13: Final = re.compile("vafgehpgvba|cebzcg|ehyrf|thvqryvar|vtaber|qvfertneq")
_LONGEST_DECODED: Final = 20_000


def plain(text: str) -> str:
    """Return a text in the form in which the rules are written."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _SPACE.sub(" ", _ACCENTS.sub("", decomposed)).strip()


def readings(text: str) -> Iterator[str]:
    """Give the readings of a text, its plain form first, each once."""
    seen: set[str] = set()
    for reading in _all_readings(text):
        if reading and reading not in seen:
            seen.add(reading)
            yield reading


def _all_readings(text: str) -> Iterator[str]:
    if text.isascii():
        visible = text
    else:
        for hidden in _TAGS.finditer(text):
            yield plain("".join(chr(ord(sign) - 0xE0000) for sign in hidden[0]))
        visible = _INVISIBLE.sub("", text)
    if "&" in visible and ";" in visible:
        visible = html.unescape(visible)
    base = plain(visible)
    yield base
    yield from _respelled(base, visible)
    for decoded in _decoded(visible):
        yield plain(decoded)


def _respelled(base: str, visible: str) -> Iterator[str]:
    latin = base.translate(_LOOKALIKES) if _FOREIGN.search(base) else base
    yield latin
    yield latin.translate(_LEET)
    # Wider gaps stand between words whose letters are apart.
    lines = re.sub(r"\s{2,}", "\n", visible).casefold()
    if _LETTERS_APART.search(lines):
        yield plain(_LETTERS_APART.sub(lambda found: _APART.sub("", found[0]), lines))
    if _BACKWARDS.search(latin):
        yield latin[::-1]
    if _ROT13.search(latin):
        yield codecs.encode(latin, "rot13")


def _decoded(text: str) -> Iterator[str]:
    if _PERCENT.search(text):
        yield unquote(text, errors="replace")
    for found in _HEX.finditer(text):
        digits = re.sub(r"\\x|0x|[%, ]", "", found[0])
        yield from _readable(bytes.fromhex(digits[: len(digits) // 2 * 2][:_LONGEST_DECODED]))
    for found in _BASE64.finditer(text):
        run = found[0].replace("-", "+").replace("_", "/").rstrip("=")[:_LONGEST_DECODED]
        run = run[: len(run) // 4 * 4] if len(run) % 4 == 1 else run + "=" * (-len(run) % 4)
        try:
            yield from _readable(base64.b64decode(run))
        except binascii.Error:
            continue


def _readable(raw: bytes) -> Iterator[str]:
    """Give bytes as a text, if they are one."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    if text.isprintable() or text.replace("\n", " ").replace("\t", " ").isprintable():
        yield text
