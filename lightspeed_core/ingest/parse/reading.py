"""What a reader gives: the text of a file, or the reason why there is none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lightspeed_core.domain.retrieval import PageSpan

_PAGE_BREAK: Final = "\n\n"
# Control characters but for tab and line feed, and halves of surrogate pairs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Unreadable(Exception):
    """A file cannot be read; the reason goes behind its name, as in "is encrypted"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The text of a file, with what the format tells besides; `notes` say what was left out."""

    text: str
    title: str | None = None
    language: str | None = None
    pages: tuple[PageSpan, ...] = ()
    notes: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Make any text storable: line feeds alone end lines, and no control characters are in it."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\f", "\n")
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """Put a text on one line, with single blanks."""
    return " ".join(clean(text).split())


def join_pages(pages: Sequence[str]) -> tuple[str, tuple[PageSpan, ...]]:
    """Join the texts of pages, numbered from 1; each page ends where the next begins."""
    parts: list[str] = []
    spans: list[PageSpan] = []
    position = 0
    for number, page in enumerate(pages, start=1):
        text = clean(page).strip()
        part = f"{text}{_PAGE_BREAK}" if text else ""
        parts.append(part)
        spans.append(PageSpan(number, position, position + len(part)))
        position += len(part)
    return "".join(parts), tuple(spans)


def language_of(code: object) -> str | None:
    """Read a language tag (RFC 5646) down to its language, `en` of `en-US`; None for rubbish."""
    found = re.match(r"\s*([A-Za-z]{2,3})(?:[-_].*)?\s*\Z", str(code or ""))
    return found[1].lower() if found else None
