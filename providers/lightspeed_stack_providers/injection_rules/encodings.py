"""What a text encodes: Base64 and its kin, numbers of characters, escapes, hidden characters.

The work is linear in the text. It knows no rule and no spelling.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from string import ascii_lowercase
from typing import Final
from urllib.parse import unquote

_LONGEST: Final = 20_000

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_WRAPPED: Final = re.compile(r"(?<=[A-Za-z0-9+/]{16})[ \t]*\n[ \t]*(?=[A-Za-z0-9+/=]{4})")
_BASE32: Final = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
_HEX: Final = re.compile(
    r"(?:[0-9a-fA-F]{2}){8,}|(?:(?:\\x|0x|%|=)[0-9a-fA-F]{2}[ ,;]{0,2}){6,}|"
    r"\b(?:[0-9a-fA-F]{2}[ :,-]){7,}[0-9a-fA-F]{2}\b"
)
_HEX_SIGNS: Final = re.compile(r"\\x|0x|[%=, ;:-]")
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
_ESCAPE: Final = re.compile(r"(?:\\u\{?|[uU]\+)([0-9a-fA-F]{4,5})\b\}?[ ,]?|\\u([0-9a-fA-F]{4})")
_BITS: Final = re.compile(r"(?:\b[01]{7,8}[ ,]{1,2}){3,}[01]{7,8}\b|\b(?:[01]{8}){4,}\b")
_NUMBERS: Final = re.compile(r"\b(?:\d{1,3}[ ,;/-]{1,2}){5,}\d{1,3}\b")
_MORSE: Final = re.compile(
    r"(?<![\w.-])[.\-\u2013\u00b7\u2022]{1,6}(?:[ /|]{1,3}[.\-\u2013\u00b7\u2022]{1,6}){6,}"
)
_ASCII85: Final = re.compile(r"<~([!-uz\s]{8,20000})~>")
_ZERO_WIDTH: Final = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{16,}")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{6,}")
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")

_MORSE_CODE: Final = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- "
    ".-- -..- -.-- --.."
)
_MORSE_LETTERS: Final = dict(zip(re.split(" ", _MORSE_CODE), ascii_lowercase, strict=True))


def hidden(text: str) -> Iterator[str]:
    """Give what characters say that nobody sees: Unicode tags, selectors, widths of zero."""
    if text.isascii():
        return
    yield "\n".join(
        "".join(chr(ord(sign) - 0xE0000) for sign in found[0]) for found in _TAGS.finditer(text)
    )
    yield from _text_of(_bytes_of_selectors(found[0]) for found in _SELECTORS.finditer(text))
    for found in _ZERO_WIDTH.finditer(text):
        signs = sorted(set(found[0]))
        if len(signs) == 2:
            for zero, one in (signs, reversed(signs)):
                bits = found[0].replace(zero, "0").replace(one, "1")
                yield from _text_of([_bytes_of_bits(bits)])


def decoded(text: str) -> Iterator[str]:
    """Give a text for each way of encoding of which the text has something."""
    if _PERCENT.search(text):
        yield unquote(text, errors="replace")
    if len(_ESCAPE.findall(text[:_LONGEST])) > 3:
        yield _ESCAPE.sub(lambda found: chr(min(int(found[1] or found[2], 16), 0x10FFFF)), text)
    for pattern, decode in _WAYS:
        yield from _text_of(decode(found[0]) for found in pattern.finditer(text))
    if "\n" in text and (unwrapped := _WRAPPED.sub("", text)) != text:
        yield from _text_of(_from_base64(found[0]) for found in _BASE64.finditer(unwrapped))
    yield "\n".join(map(_from_numbers, _found(_NUMBERS, text)))
    yield "\n".join(map(_from_morse, _found(_MORSE, text)))


def _found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (found[0][:_LONGEST] for found in pattern.finditer(text))


def _text_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """Give the pieces that are texts as one."""
    texts = [text for piece in pieces if (text := _readable(piece))]
    if texts:
        yield "\n".join(texts)


def _readable(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.replace("\n", " ").replace("\t", " ").isprintable() else ""


def _from_base64(run: str) -> bytes:
    run = run.replace("-", "+").replace("_", "/").rstrip("=")[:_LONGEST]
    run = run[: len(run) // 4 * 4] if len(run) % 4 == 1 else run + "=" * (-len(run) % 4)
    try:
        return base64.b64decode(run)
    except binascii.Error:
        return b""


def _from_base32(run: str) -> bytes:
    run = run.rstrip("=")[:_LONGEST]
    try:
        return base64.b32decode(run + "=" * (-len(run) % 8))
    except binascii.Error:
        return b""


def _from_ascii85(run: str) -> bytes:
    try:
        return base64.a85decode(run, adobe=True)
    except ValueError:
        return b""


def _from_hex(run: str) -> bytes:
    digits = _HEX_SIGNS.sub("", run)
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2][:_LONGEST])
    except ValueError:
        return b""


def _from_bits(run: str) -> bytes:
    groups = re.split(r"[ ,]+", run)
    if len(groups) > 1:
        return bytes(int(group, 2) for group in groups)
    return _bytes_of_bits(run)


def _bytes_of_bits(bits: str) -> bytes:
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _bytes_of_selectors(run: str) -> bytes:
    return bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in map(ord, run))


_WAYS: Final[tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...]] = (
    (_HEX, _from_hex),
    (_BASE64, _from_base64),
    (_BASE32, _from_base32),
    (_ASCII85, _from_ascii85),
    (_BITS, _from_bits),
)


def _from_numbers(run: str) -> str:
    """Read numbers of characters, decimal or octal, or of letters of the alphabet."""
    written = re.findall(r"\d+", run)
    numbers = list(map(int, written))
    if all(1 <= number <= 26 for number in numbers):
        return "".join(chr(ord("a") - 1 + number) for number in numbers)
    if not all(32 <= number <= 126 for number in numbers):
        if any("8" in number or "9" in number for number in written):
            return ""
        numbers = [int(number, 8) for number in written]
    return "".join(chr(number) for number in numbers if 32 <= number <= 126)


def _from_morse(run: str) -> str:
    signs = re.sub("[\u2013]", "-", re.sub("[\u00b7\u2022]", ".", run))
    words = re.split(r"\s*[/|]\s*|\s{2,}", signs)
    return " ".join(
        "".join(_MORSE_LETTERS.get(letter, "") for letter in word.split()) for word in words
    )
