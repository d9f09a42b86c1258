"""Cuts Markdown documents into chunks that fit an embedding model; knows no store.

Sections stay whole where they fit, then blocks (paragraphs, lists, tables, code), then lines
and sentences. Offsets are exact: `content == text[start:end]`.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from semantic_text_splitter import MarkdownSplitter

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.ingest.outline import Section, sections

MAX_TOKENS: Final = 190
"""About 150 words; with title and headings in front it stays below the 256 tokens of MiniLM."""

_SHORT: Final = 40
_LONGEST_HEADING: Final = 10
_PIECE = re.compile(r"[^\W_]+|[^\s\w]|_")
_HEADING_SEPARATOR: Final = " > "


def chunk_document(document: SourceDocument, *, max_tokens: int = MAX_TOKENS) -> list[Chunk]:
    """Cut a document; ids depend on document, version and place alone."""
    splitter = MarkdownSplitter.from_callback(estimate_tokens, max_tokens)
    return [
        Chunk(
            chunk_id=_chunk_id(document, start, end),
            document_id=document.document_id,
            content=document.text[start:end],
            start=start,
            end=end,
            heading=_HEADING_SEPARATOR.join(section.path),
        )
        for section in _joined(document.text, sections(document.text), max_tokens)
        for start, end in _spans(document.text, section, splitter, max_tokens)
    ]


def embedding_text(document: SourceDocument, chunk: Chunk) -> str:
    """Put title and headings before a chunk's content, each once."""
    heading = chunk.heading
    if not heading.startswith(document.title):
        heading = _HEADING_SEPARATOR.join(filter(None, (document.title, heading)))
    return f"{heading}\n{chunk.content}"


def estimate_tokens(text: str) -> int:
    """Estimate WordPiece tokens: one per punctuation mark and per six characters of a word.

    On technical English the median error is nil, and in 19 of 20 chunks below a fifth.
    """
    return sum(1 + (len(piece) - 1) // 6 for piece in _PIECE.findall(text))


def _joined(text: str, parts: list[Section], max_tokens: int) -> Iterator[Section]:
    """Join a section too short to stand alone to the next; the longer one gives the path."""
    held: Section | None = None
    for part in parts:
        if held is not None:
            together = _join(held, part)
            if _size(text, held) < _SHORT and _size(text, together) <= max_tokens:
                held = together
                continue
            yield held
        held = part
    if held is not None:
        yield held


def _join(first: Section, second: Section) -> Section:
    longer = first if first.end - first.body > second.end - second.body else second
    return Section(start=first.start, body=first.body, end=second.end, path=longer.path)


def _size(text: str, section: Section) -> int:
    return estimate_tokens(text[section.start : section.end])


def _spans(
    text: str, section: Section, splitter: MarkdownSplitter, max_tokens: int
) -> Iterator[tuple[int, int]]:
    content = text[section.start : section.end]
    if estimate_tokens(content) <= max_tokens:
        stripped = content.strip()
        start = section.start + content.find(stripped)
        yield start, start + len(stripped)
        return
    # An overlong heading is cut together with what is below it, like any other text.
    is_short = estimate_tokens(text[section.start : section.body]) <= _LONGEST_HEADING
    body = section.body if is_short else section.start
    heading: int | None = section.start if body > section.start else None
    for offset, piece in splitter.chunk_indices(text[body : section.end]):
        start = body + offset
        # The heading's line goes with the first piece, never alone.
        yield (start if heading is None else heading), start + len(piece)
        heading = None


def _chunk_id(document: SourceDocument, start: int, end: int) -> str:
    place = f"{document.document_id}\n{document.content_hash}\n{start}\n{end}"
    return hashlib.sha256(place.encode()).hexdigest()[:32]
