"""Reads PDF page by page; the bookmarks of a document tell which lines are headings."""

import io
import logging
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError
from pypdf.generic import Destination, DictionaryObject

from lightspeed_core.config.parsing import ParseLimits
from lightspeed_core.ingest.parse.reading import (
    Reading,
    Unreadable,
    clean,
    join_pages,
    language_of,
    one_line,
)

# What pypdf raises over one page that is broken, beside its own errors.
_BROKEN_PAGE: Final = (
    PyPdfError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_MOST_BOOKMARKS: Final = 5000
_LONGEST_TITLE: Final = 200
_NUMBER = re.compile(r"^(?:chapter\s+)?[0-9A-Z]{0,3}(?:\.[0-9]+)*\.?\s+", re.IGNORECASE)
_NO_TITLE = re.compile(r"^(?:untitled|microsoft \w+ -.*|.*\.\w{2,4})$|^$", re.IGNORECASE)


def read_pdf(data: bytes, limits: ParseLimits) -> Reading:
    """Read a PDF. Raises `Unreadable` for one that is encrypted, scanned or too long."""
    # Its warnings about damage are many, and the reason of a failure is told.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data), strict=False)
    _decrypt(reader)
    count = len(reader.pages)
    if count > limits.pages:
        raise Unreadable(f"has {count:,} pages, more than the limit of {limits.pages:,}")
    texts, unread = _page_texts(reader, limits)
    if not any(text.strip() for text in texts):
        raise Unreadable(_without_text(count, unread.broken))
    text, pages = join_pages(_with_headings(reader, texts))
    return Reading(
        text=text,
        title=_title(reader),
        language=_language(reader),
        pages=pages,
        notes=tuple(_notes(count, unread)),
    )


def _decrypt(reader: PdfReader) -> None:
    if not reader.is_encrypted:
        return
    try:
        is_open = bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError) as error:
        raise Unreadable(f"is encrypted in a way that is not known: {error}") from error
    if not is_open:
        raise Unreadable("is encrypted; save it without a password")


class _Unread(NamedTuple):
    """How many pages gave no text, for what they are."""

    broken: int
    pictures: int


def _page_texts(reader: PdfReader, limits: ParseLimits) -> tuple[list[str], _Unread]:
    texts: list[str] = []
    broken = pictures = length = 0
    for page in reader.pages:
        try:
            text = clean(page.extract_text())
            pictures += not text.strip() and _shows_picture(page)
        except _BROKEN_PAGE:
            broken += 1
            text = ""
        texts.append(text)
        length += len(text)
        if length > limits.characters:
            raise Unreadable(f"holds more text than the limit of {limits.characters:,} characters")
    return texts, _Unread(broken, pictures)


def _shows_picture(page: Any) -> bool:
    shown = page.get("/Resources", DictionaryObject()).get_object().get("/XObject")
    if shown is None:
        return False
    parts = (part.get_object() for part in shown.get_object().values())
    return any(part.get("/Subtype") == "/Image" for part in parts)


def _notes(count: int, unread: _Unread) -> Iterator[str]:
    if unread.broken:
        yield f"{unread.broken} of {count} pages could not be read"
    if unread.pictures:
        yield f"{unread.pictures} of {count} pages are pictures, and pictures are not read"


def _without_text(count: int, broken: int) -> str:
    if broken:
        return f"is damaged: {broken} of {count} pages could not be read, and none holds text"
    if count:
        return "holds no text; its pages are pictures, and pictures are not read"
    return "has no pages"


def _with_headings(reader: PdfReader, texts: list[str]) -> list[str]:
    """Mark the lines that the bookmarks name, each on its page, as headings."""
    pages = [text.split("\n") for text in texts]
    for level, title, page in islice(_bookmarks(reader), _MOST_BOOKMARKS):
        if 0 <= page < len(pages):
            _mark_heading(pages[page], level, title)
    return ["\n".join(lines) for lines in pages]


def _mark_heading(lines: list[str], level: int, title: str) -> None:
    wanted = {title.casefold(), _NUMBER.sub("", title).casefold()} - {""}
    for index, line in enumerate(lines):
        plain = one_line(line)
        if len(plain) > _LONGEST_TITLE or plain.startswith("#"):
            continue
        if plain.casefold() in wanted or _NUMBER.sub("", plain).casefold() in wanted:
            lines[index] = f"\n{'#' * min(level, 6)} {plain}\n"
            return


def _bookmarks(reader: PdfReader) -> Iterator[tuple[int, str, int]]:
    """Give level, title and index of the page of each bookmark; nothing where they are broken."""
    try:
        pending: list[tuple[int, Any]] = [(1, each) for each in reversed(reader.outline)]
        while pending:
            level, entry = pending.pop()
            if isinstance(entry, Destination):
                page = reader.get_destination_page_number(entry)
                title = one_line(str(entry.title))
                if page is not None and title and len(title) <= _LONGEST_TITLE:
                    yield level, title, page
            elif isinstance(entry, list):
                below = cast("list[Any]", entry)
                pending += [(level + 1, each) for each in reversed(below)]
    except _BROKEN_PAGE:
        return


def _title(reader: PdfReader) -> str | None:
    try:
        title = one_line(str((reader.metadata and reader.metadata.title) or ""))
    except _BROKEN_PAGE:
        return None
    return None if _NO_TITLE.match(title) or len(title) > _LONGEST_TITLE else title


def _language(reader: PdfReader) -> str | None:
    try:
        return language_of(reader.root_object.get("/Lang"))
    except _BROKEN_PAGE:
        return None
