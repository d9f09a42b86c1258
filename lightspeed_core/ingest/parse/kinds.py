"""Which format a file has: its first bytes decide, its name where they leave it open.

A file that lies about its type is read as what it is, or not at all.
"""

import io
import re
import zipfile
from pathlib import PurePath
from typing import Final

from lightspeed_core.ingest.parse.reading import Unreadable

MARKDOWN: Final = "text/markdown"
PLAIN: Final = "text/plain"
HTML: Final = "text/html"
RST: Final = "text/x-rst"
ASCIIDOC: Final = "text/asciidoc"
CSV: Final = "text/csv"
TSV: Final = "text/tab-separated-values"
JSON: Final = "application/json"
YAML: Final = "application/yaml"
PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

SUFFIXES: Final = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN,
    ".text": PLAIN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".rst": RST,
    ".adoc": ASCIIDOC,
    ".asciidoc": ASCIIDOC,
    ".csv": CSV,
    ".tsv": TSV,
    ".json": JSON,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".yaml": YAML,
    ".yml": YAML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".pptx": PPTX,
    ".xlsx": XLSX,
}
"""The media types of the file names that are documents; a folder's other files are left alone."""

_BINARY_KINDS: Final = frozenset({PDF, DOCX, PPTX, XLSX})
_OFFICE_PARTS: Final = {
    "word/document.xml": DOCX,
    "ppt/presentation.xml": PPTX,
    "xl/workbook.xml": XLSX,
}
_MAGIC: Final = 1024
_SAMPLE: Final = 8192
_MARKS_OF_UTF: Final = (b"\xff\xfe", b"\xfe\xff")
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,500}?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_MOST_CONTROLS: Final = 0.02
_FEW_CONTROLS: Final = 4


def kind_of(name: str, data: bytes) -> str:
    """Tell the media type of a file. Raises `Unreadable` for what is no document."""
    named = SUFFIXES.get(PurePath(name).suffix.lower())
    head = data[:_MAGIC]
    if head.lstrip().startswith(b"%PDF-") or (named == PDF and b"%PDF-" in head):
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(data)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise Unreadable("is an Office file of an old form or with a password; save it as new")
    if is_binary(data):
        raise Unreadable(_no_document(named))
    if _HTML_START.match(head.removeprefix(b"\xef\xbb\xbf")):
        return HTML
    return PLAIN if named is None or named in _BINARY_KINDS else named


def is_binary(data: bytes) -> bool:
    """Say whether a file is no text, by the control characters at its beginning."""
    sample = data[:_SAMPLE]
    if sample.startswith(_MARKS_OF_UTF):
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > max(_FEW_CONTROLS, _MOST_CONTROLS * len(sample))


def _kind_of_archive(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise Unreadable(f"is a broken archive: {error}") from error
    for part, kind in _OFFICE_PARTS.items():
        if part in names:
            return kind
    raise Unreadable("is an archive; unpack it, its files are read one by one")


def _no_document(named: str | None) -> str:
    if named is None:
        return "is of no known format"
    return f"is not {named}, nor of another known format"
