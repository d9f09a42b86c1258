"""Reads a file of the product itself into a document; knows nothing of chunks and stores."""

import hashlib
from typing import Final

from lightspeed_core.domain.retrieval import SourceDocument, SourceFile
from lightspeed_core.errors import InvalidRequest
from lightspeed_core.ingest.outline import first_heading
from lightspeed_core.ingest.parse import kinds
from lightspeed_core.ingest.parse.parser import ParsedDocument
from lightspeed_core.ingest.parse.reading import clean
from lightspeed_core.ingest.sources import FoundFile

_LONGEST_BLANK: Final = 4096


def is_blank(file: FoundFile) -> bool:
    """Say whether a file is empty, or short and nothing but white space. Blocks."""
    return file.size <= _LONGEST_BLANK and not file.path.read_bytes().strip()


def load_document(file: FoundFile) -> SourceDocument | None:
    """Read a file of Markdown; its title is the first heading, else the file's name. Blocks.

    None stands for a file without text. Raises `InvalidRequest` for one that is no text, and
    `OSError`.
    """
    data, status = file.path.read_bytes(), file.path.stat()
    try:
        text = clean(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidRequest("File could not be read", "it is no text in UTF-8") from error
    if not text.strip():
        return None
    read = ParsedDocument(
        text=text,
        title=first_heading(text) or file.path.stem,
        media_type=kinds.MARKDOWN,
        language=None,
        pages=(),
        file=SourceFile(
            path=str(file.path),
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            digest=hashlib.sha256(data).hexdigest(),
        ),
    )
    return read.document(file.document_id, url=file.url)
