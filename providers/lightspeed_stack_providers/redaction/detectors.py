"""What can be told by its form alone: numbers with a checksum, keys, tokens, addresses.

Pure; each search takes time linear in the text.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final


class Detector(StrEnum):
    """A kind of value that is known without a pattern of the operator's."""

    CREDIT_CARD = "credit_card"
    IBAN = "iban"
    EMAIL = "email"
    PRIVATE_KEY = "private_key"
    JWT = "jwt"


type Span = tuple[int, int]

# Runs of digits with single blanks or hyphens between them; networks begin with 2 to 6.
_CARD: Final = re.compile(r"(?<![\d.])[2-6](?:[ -]?\d){12,18}(?![\d]|[.,]\d)")
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", re.ASCII)
_EMAIL: Final = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z0-9 ]{0,30}KEY-----)?"
)
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*", re.ASCII)

# Lengths by country, of the registry that ISO 13616 names.
_IBAN_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_LENGTH_OF: Final = {
    country: length for length, countries in _IBAN_LENGTHS.items() for country in countries.split()
}


def has_luhn_checksum(digits: str) -> bool:
    """Check the last digit by the algorithm of ISO/IEC 7812-1, annex B."""
    total = 0
    for position, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if position % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def has_iban_checksum(compact: str) -> bool:
    """Check the digits 3 and 4 by ISO 13616: the rearranged number is 1 modulo 97."""
    rearranged = compact[4:] + compact[:4]
    return int("".join(str(int(sign, 36)) for sign in rearranged)) % 97 == 1


def _cards(text: str) -> Iterator[Span]:
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if has_luhn_checksum(digits) and len(set(digits)) > 1:
            yield found.span()


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        length = _LENGTH_OF.get(found[0][:2])
        compact = found[0].replace(" ", "")
        if length is None or len(compact) < length or not has_iban_checksum(compact[:length]):
            continue
        # Capitals of the next word may follow; the country says where the number ends.
        end, left = found.start(), length
        while left:
            left -= text[end] != " "
            end += 1
        yield found.start(), end


def _all(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Span]]:
    return lambda text: (found.span() for found in pattern.finditer(text))


_FINDERS: Final[dict[Detector, Callable[[str], Iterator[Span]]]] = {
    Detector.CREDIT_CARD: _cards,
    Detector.IBAN: _ibans,
    Detector.EMAIL: _all(_EMAIL),
    Detector.PRIVATE_KEY: _all(_PRIVATE_KEY),
    Detector.JWT: _all(_JWT),
}


def find(detector: Detector, text: str) -> Iterator[Span]:
    """Give the places of such values, in order and without overlap."""
    return _FINDERS[detector](text)
