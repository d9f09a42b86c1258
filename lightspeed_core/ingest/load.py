"""Reads a file of the product itself into a document; knows nothing of chunks and stores."""

import hashlib
from typing import Final

from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.errors import InvalidRequest
from lightspeed_core.ingest.outline import first_heading
from lightspeed_core.ingest.sources import FoundFile

_LONGEST_BLANK: Final = 4096


def is_blank(file: FoundFile) -> bool:
    """Say whether a file is empty, or short and nothing but white space. Blocks."""
    return file.size <= _LONGEST_BLANK and not file.path.read_bytes().strip()


def load_document(file: FoundFile) -> SourceDocument | None:
    """Read a file; its title is the first heading, else the file's name. Blocks.

    None stands for a file without text. Raises `InvalidRequest` for one that is no text, and
    `OSError`.
    """
    try:
        text = file.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest("File could not be read", "it is no text in UTF-8") from error
    if not text.strip():
        return None
    return SourceDocument(
        document_id=file.document_id,
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        title=first_heading(text) or file.path.stem,
        url=file.url,
    )
