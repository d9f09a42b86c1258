"""What a store keeps of a document beside its text, so that it can be read back as it was."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightspeed_core.domain.retrieval import PageSpan, SourceDocument
from lightspeed_core.engine.llama_stack.origin import file_metadata, read_file
from lightspeed_core.engine.llama_stack.stack import Json


def source_attributes(document: SourceDocument) -> dict[str, Any]:
    """Give what `read_source` reads, as plain JSON."""
    known = {
        "media_type": document.media_type,
        "language": document.language,
        "pages": [list(page) for page in document.pages] or None,
        **file_metadata(document.file),
    }
    return {key: value for key, value in known.items() if value is not None}


def read_source(attributes: Json, content: Json, document_id: str) -> SourceDocument:
    """Read a document: `attributes` are those of its file, `content` is its text."""
    kept: Mapping[str, Any] = content.get("metadata") or {}
    return SourceDocument(
        document_id=document_id,
        text=content["text"],
        content_hash=str(attributes["content_hash"]),
        title=str(attributes.get("title") or ""),
        url=attributes.get("url"),
        source=attributes.get("source"),
        media_type=str(kept.get("media_type") or "text/markdown"),
        language=kept.get("language"),
        pages=tuple(_page(each) for each in kept.get("pages") or ()),
        file=read_file(kept),
    )


def _page(span: Sequence[int]) -> PageSpan:
    number, start, end = span
    return PageSpan(int(number), int(start), int(end))
