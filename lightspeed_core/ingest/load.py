"""Reads Markdown files into documents; knows nothing of chunks and stores."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.ingest.outline import first_heading

logger = logging.getLogger(__name__)


def load_product_docs(root: Path) -> list[SourceDocument]:
    """Read `README.md` and the Markdown files below `docs`, ordered by path.

    Decision records are left out: they also tell what was not done. A document's id is its path
    below `root`, the same in a checkout and in an installed package. A file that cannot be read
    or holds no text is left out with a log line.
    """
    found = (load_document(path, root) for path in _product_files(root))
    return [document for document in found if document is not None]


def load_document(path: Path, root: Path) -> SourceDocument | None:
    """Read one Markdown file; its title is the first heading, else the file's name."""
    document_id = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("document not read document_id=%s: %s", document_id, error)
        return None
    if not text.strip():
        logger.info("empty document left out document_id=%s", document_id)
        return None
    return SourceDocument(
        document_id=document_id,
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        title=first_heading(text) or path.stem,
    )


def _product_files(root: Path) -> Iterator[Path]:
    readme = root / "README.md"
    if readme.is_file():
        yield readme
    docs = root / "docs"
    for path in sorted(docs.rglob("*.md")):
        if path.is_file() and not path.is_relative_to(docs / "decisions"):
            yield path
