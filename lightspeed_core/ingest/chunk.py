"""Cuts documents into chunks that fit an embedding model; knows no store and no file.

Sections stay whole where they fit, then blocks (paragraphs, lists, tables, code), then rows,
lines and sentences. Offsets are exact: `content == text[start:end]`.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.ingest.markdown_tables import Table, tables
from lightspeed_core.ingest.outline import Section, sections
from lightspeed_core.ingest.sizes import Sizes, first_tokens

MAX_TOKENS: Final = 190
"""About 150 words, which with title and headings in front are below the 256 tokens of MiniLM."""

_SHORT: Final = 40
_LONGEST_HEADING: Final = 10
# Title and headings before a chunk, and what a piece has at least.
_HEADLINE: Final = 64
_SMALLEST: Final = 8
# What is left of a model's reach for a chunk's own text, as the share 3 / 4.
_SHARE: Final = (3, 4)
_HEADING_SEPARATOR: Final = " > "
_PLAIN: Final = "text/plain"
# A splitter looks at a whole text over and over; longer ones are handed to it in parts.
_WINDOW: Final = 50_000
_PARAGRAPH_END: Final = "\n\n"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk to be: its place, and what is repeated before it."""

    start: int
    end: int
    heading: str
    table_header: str = ""


def chunk_document(
    document: SourceDocument,
    *,
    max_tokens: int = MAX_TOKENS,
    sizes: Sizes | None = None,
) -> list[Chunk]:
    """Cut a document into chunks that the embedding model of `sizes` reads to their end.

    Ids depend on the document's id and on what is embedded, and of equal chunks on their order:
    a chunk that a new version of the document keeps has the id that it had.
    """
    pieces = _Cutter(document, max_tokens, sizes or Sizes()).pieces()
    starts = [page.start for page in document.pages]
    seen: Counter[str] = Counter()
    return [_chunk(document, piece, starts, seen) for piece in pieces]


def embedding_text(document: SourceDocument, chunk: Chunk) -> str:
    """Put title, headings and the header of a table that was cut before a chunk's content.

    Of a very long title or path of headings only the beginning is embedded.
    """
    return _embedded(document, chunk.heading, chunk.table_header, chunk.content)


def _embedded(document: SourceDocument, heading: str, table_header: str, content: str) -> str:
    if not heading.startswith(document.title):
        heading = _HEADING_SEPARATOR.join(filter(None, (document.title, heading)))
    headline = first_tokens(heading, _HEADLINE)
    return "\n".join(filter(None, (headline, table_header, content)))


def _chunk(
    document: SourceDocument, piece: _Piece, page_starts: list[int], seen: Counter[str]
) -> Chunk:
    # Pages without text begin where the next one does; the last of them holds the chunk.
    page = bisect_right(page_starts, piece.start)
    further = bisect_left(page_starts, piece.end)
    chunk = Chunk(
        chunk_id="",
        document_id=document.document_id,
        content=document.text[piece.start : piece.end],
        start=piece.start,
        end=piece.end,
        heading=piece.heading,
        page=document.pages[page - 1].number if page else None,
        page_breaks=tuple(page_starts[page:further]),
        table_header=piece.table_header,
    )
    embedded = embedding_text(document, chunk)
    seen[embedded] += 1
    return replace(chunk, chunk_id=chunk_id(document.document_id, f"{seen[embedded]}\n{embedded}"))


def chunk_id(document_id: str, text: str) -> str:
    """Name a chunk by its document and what tells it from others there, in 32 hexadecimal digits.

    The first eight are the document's: its chunks stand side by side in the index of a store, so
    that taking them in touches few of its pages.
    """
    name = f"{document_id}\n{text}"
    return _digest(document_id)[:8] + _digest(name)[:24]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Cutter:
    """Cuts one text."""

    def __init__(self, document: SourceDocument, max_tokens: int, sizes: Sizes) -> None:
        self._document = document
        self._text = document.text
        self._is_plain = document.media_type == _PLAIN
        self._sizes = sizes
        part, whole = _SHARE
        self._max = max(1, min(max_tokens, sizes.limit * part // whole))
        self._splitter = self._splitter_into(self._max)

    def pieces(self) -> Iterator[_Piece]:
        """Give the pieces in their order; only blanks are left out."""
        for section in self._joined(self._sections()):
            heading = _HEADING_SEPARATOR.join(section.path)
            for start, end, table_header in self._spans(section):
                yield from self._embeddable(_Piece(start, end, heading, table_header), self._max)

    def _embeddable(self, piece: _Piece, most: int) -> Iterator[_Piece]:
        """Cut a piece until it is embedded to its end, together with what is put before it."""
        content = self._text[piece.start : piece.end]
        embedded = _embedded(self._document, piece.heading, piece.table_header, content)
        if most <= _SMALLEST or self._sizes.fits(embedded):
            yield piece
            return
        for offset, part in self._splitter_into(most // 2).chunk_indices(content):
            start = piece.start + offset
            yield from self._embeddable(
                replace(piece, start=start, end=start + len(part)), most // 2
            )

    def _splitter_into(self, most: int) -> TextSplitter | MarkdownSplitter:
        kind = TextSplitter if self._is_plain else MarkdownSplitter
        return kind.from_callback(self._count, most)

    def _count(self, text: str) -> int:
        return self._sizes.count(text, wanted=self._max)

    def _sections(self) -> list[Section]:
        if not self._is_plain:
            return sections(self._text)
        return [Section(start=0, body=0, end=len(self._text), path=())]

    def _joined(self, parts: list[Section]) -> Iterator[Section]:
        """Join a section too short to stand alone to the next; the longer one gives the path."""
        held: Section | None = None
        for part in parts:
            if held is not None:
                together = _join(held, part)
                if self._fits(held, _SHORT - 1) and self._fits(together, self._max):
                    held = together
                    continue
                yield held
            held = part
        if held is not None:
            yield held

    def _fits(self, section: Section, most: int) -> bool:
        """Say whether a section has at most so many tokens; a long one is not counted."""
        length = section.end - section.start
        return length <= _WINDOW and self._tokens(section.start, section.end) <= most

    def _tokens(self, start: int, end: int) -> int:
        return self._count(self._text[start:end])

    def _spans(self, section: Section) -> Iterator[tuple[int, int, str]]:
        if self._fits(section, self._max):
            start, end = _stripped(self._text, section.start, section.end)
            if start < end:
                yield start, end, ""
            return
        # An overlong heading is cut together with what is below it, like any other text.
        is_short = self._tokens(section.start, section.body) <= _LONGEST_HEADING
        body = section.body if is_short else section.start
        heading: int | None = section.start if body > section.start else None
        for start, end, table_header in self._body_spans(body, section.end):
            # The heading's line goes with the first piece, never alone.
            yield (start if heading is None else heading), end, table_header
            heading = None

    def _body_spans(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Cut the tables that are too large between their rows, and the text between them."""
        position = start
        for table in self._large_tables(start, end):
            yield from self._text_spans(position, table.start)
            yield from self._table_spans(table)
            position = table.end
        yield from self._text_spans(position, end)

    def _large_tables(self, start: int, end: int) -> Iterator[Table]:
        if not self._is_plain:
            for table in tables(self._text, start, end):
                if self._tokens(table.start, table.end) > self._max:
                    yield table

    def _text_spans(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        for left, right in _windows(self._text, start, end):
            for offset, piece in self._splitter.chunk_indices(self._text[left:right]):
                yield left + offset, left + offset + len(piece), ""

    def _table_spans(self, table: Table) -> Iterator[tuple[int, int, str]]:
        header = self._text[slice(*table.lines[0])].strip()
        cost = self._count(header)
        if cost > self._max // 3:
            header, cost = "", 0
        first = last = table.lines[0][0]
        room = self._max
        for start, end in table.lines:
            size = self._tokens(start, end)
            if size > room and last > first:
                yield first, last, "" if first == table.start else header
                first, room = start, self._max - cost
            if size > room:
                yield from self._row_spans(start, end, header)
                first = last = end
                room = self._max - cost
                continue
            first = start if first == last else first
            last, room = end, room - size
        if last > first:
            yield first, last, "" if first == table.start else header

    def _row_spans(self, start: int, end: int, header: str) -> Iterator[tuple[int, int, str]]:
        """Cut a row that alone is too large."""
        for left, right, _ in self._text_spans(start, end):
            yield left, right, header


def _join(first: Section, second: Section) -> Section:
    longer = first if first.end - first.body > second.end - second.body else second
    return Section(start=first.start, body=first.body, end=second.end, path=longer.path)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    content = text[start:end]
    left = start + len(content) - len(content.lstrip())
    return left, max(left, start + len(content.rstrip()))


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a long text at the ends of paragraphs, else of lines, else anywhere."""
    while end - start > _WINDOW:
        middle, limit = start + _WINDOW // 2, start + _WINDOW
        cut = text.rfind(_PARAGRAPH_END, middle, limit)
        if cut < 0:
            cut = text.rfind("\n", middle, limit)
        if cut < 0:
            cut = text.rfind(" ", middle, limit)
        cut = limit if cut < 0 else cut
        yield start, cut
        start = cut
    if start < end:
        yield start, end
