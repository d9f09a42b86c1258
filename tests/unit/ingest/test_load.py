"""Documents are read with stable ids, and a bad file costs itself alone."""

import hashlib
import logging
from pathlib import Path

import pytest

from lightspeed_core.ingest.load import load_product_docs


def write(root: Path, name: str, content: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_readme_and_docs_are_read_in_a_stable_order(tmp_path: Path) -> None:
    write(tmp_path, "docs/b.md", "# Bee\n")
    write(tmp_path, "docs/a/c.md", "no heading")
    write(tmp_path, "docs/image.svg", "<svg/>")
    write(tmp_path, "README.md", "# Read me\n\nText é.\n")
    write(tmp_path, "other.md", "# Other\n")
    write(tmp_path, "docs/decisions/0001-x.md", "# We did not do this\n")
    documents = load_product_docs(tmp_path)
    assert [(each.document_id, each.title) for each in documents] == [
        ("README.md", "Read me"),
        ("docs/a/c.md", "c"),
        ("docs/b.md", "Bee"),
    ]
    assert documents[0].text == "# Read me\n\nText é.\n"
    assert documents[0].content_hash == hashlib.sha256(documents[0].text.encode()).hexdigest()


def test_a_place_without_documents_yields_none(tmp_path: Path) -> None:
    assert load_product_docs(tmp_path) == []


def test_a_file_that_is_no_text_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "docs/bad.md", b"\xff\xfe\x00")
    write(tmp_path, "docs/empty.md", " \n")
    write(tmp_path, "docs/good.md", b"\xef\xbb\xbf# Good\r\n\r\nText.\r\n")
    with caplog.at_level(logging.WARNING):
        (document,) = load_product_docs(tmp_path)
    assert (document.title, document.text) == ("Good", "# Good\n\nText.\n")
    assert "document not read document_id=docs/bad.md" in caplog.text
