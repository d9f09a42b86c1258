"""Documents, their chunks, and what an answer says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class PageSpan(NamedTuple):
    """A page of a document: text[start:end]. Numbers begin with 1; a page may be empty."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """The file that a document was read from, as it was then.

    `modified_ns` is in nanoseconds since 1970, `digest` the SHA-256 of its bytes in hexadecimal.
    """

    path: str
    size: int
    modified_ns: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """A document as it was read; `content_hash` is the SHA-256 of `text` in hexadecimal.

    `pages` are in order and without gaps where the format has pages. `language` is an ISO 639
    code where the document tells one. `file` is set for a file that this machine can see.
    """

    document_id: str
    text: str = field(repr=False)
    content_hash: str
    title: str
    url: str | None = None
    source: str | None = None
    media_type: str = "text/markdown"
    language: str | None = None
    pages: tuple[PageSpan, ...] = field(default=(), repr=False)
    file: SourceFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document: `content == document.text[start:end]`, offsets in characters.

    `heading` is the path of titles above the chunk, `page` the number of the page it begins on,
    and `page_breaks` are the offsets in the document at which further pages begin within it.
    `table_header` is the header of the table of which the chunk is a later piece; it is embedded
    with the chunk and no part of it. `vector` is None until it was computed; the keyword index
    finds the chunk all the same. `attributes` are kept beside it as they are.
    """

    chunk_id: str
    document_id: str
    content: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    page_breaks: tuple[int, ...] = ()
    table_header: str = ""
    vector: Sequence[float] | None = field(default=None, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOrigin:
    """What is needed to check a chunk while an answer cites it, and is kept with no turn.

    `content_digest` is the SHA-256 of the text as it was cut; `page_breaks` as in `Chunk`.
    """

    content_digest: str | None = None
    page_breaks: tuple[int, ...] = ()
    file: SourceFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RagChunk:
    """A chunk that a search found, with its score in [0, 1] where the store can bound it.

    `start` and `end` are character offsets in the stored source text, None where the store
    does not know them, `page` is the number of the page it begins on. `attributes` is what the
    store keeps beside the text.
    """

    chunk_id: str
    document_id: str | None
    content: str
    score: float | None
    store_id: str
    source: str | None = None
    title: str | None = None
    url: str | None = None
    content_hash: str | None = None
    start: int | None = None
    end: int | None = None
    heading: str | None = None
    page: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    origin: ChunkOrigin | None = field(default=None, repr=False, compare=False)

    @property
    def described_attributes(self) -> dict[str, Any]:
        """The attributes with address, title and id of the document, where they are known."""
        known = {"doc_url": self.url, "title": self.title, "document_id": self.document_id}
        return {
            **self.attributes,
            **{name: value for name, value in known.items() if value is not None},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedDocument:
    """A document behind an answer, as clients list it."""

    doc_url: str | None
    doc_title: str | None
    source: str | None = None
    document_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A marker of the answer, checked: `quote` stands at [start, end) of the source text.

    `page` is the one on which the quote begins. `is_stale` says that the document's file has
    changed since it was indexed, so that it may no longer say so.
    """

    marker: str
    document_id: str | None
    source: str | None
    title: str | None
    url: str | None
    content_hash: str | None
    start: int | None
    end: int | None
    quote: str
    page: int | None = None
    heading: str | None = None
    is_stale: bool = False
