"""Documents, their chunks, and what an answer says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """A document as it was read; `content_hash` is the SHA-256 of `text` in hexadecimal.

    `language` is an ISO 639 code where the document tells one.
    """

    document_id: str
    text: str = field(repr=False)
    content_hash: str
    title: str
    url: str | None = None
    source: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document: `content == document.text[start:end]`, offsets in characters.

    `heading` is the path of titles above the chunk. `vector` is None until it was computed; the
    keyword index finds the chunk all the same.
    """

    chunk_id: str
    document_id: str
    content: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    vector: Sequence[float] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RagChunk:
    """A chunk that a search found, with its score in [0, 1] where the store can bound it.

    `start` and `end` are character offsets in the stored source text, None where the store
    does not know them. `attributes` is what the store keeps beside the text.
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
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

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
    """A marker of the answer, checked: `quote` stands at [start, end) of the source text."""

    marker: str
    document_id: str | None
    source: str | None
    title: str | None
    url: str | None
    content_hash: str | None
    start: int | None
    end: int | None
    quote: str
