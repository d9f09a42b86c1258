"""Files become documents with a title; the product's own have stable ids."""

import hashlib
from pathlib import Path

import pytest

from lightspeed_core.errors import InvalidRequest
from lightspeed_core.ingest.load import load_document
from lightspeed_core.ingest.sources import ProductDocs, SingleFile
from tests.support.ingesting import load_product_docs, write_files


def test_readme_and_docs_are_read_in_a_stable_order(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "docs/b.md": "# Bee\n",
        "docs/a/c.md": "no heading",
        "docs/image.svg": "<svg/>",
        "README.md": "# Read me\n\nText é.\n",
        "other.md": "# Other\n",
        "docs/decisions/0001-x.md": "# We did not do this\n",
    }
    documents = load_product_docs(write_files(tmp_path, files))
    assert [(each.document_id, each.title) for each in documents] == [
        ("README.md", "Read me"),
        ("docs/a/c.md", "c"),
        ("docs/b.md", "Bee"),
    ]
    assert documents[0].text == "# Read me\n\nText é.\n"
    assert documents[0].content_hash == hashlib.sha256(documents[0].text.encode()).hexdigest()


def test_a_place_without_documents_yields_none(tmp_path: Path) -> None:
    assert load_product_docs(tmp_path) == []


def test_other_documents_of_the_store_are_not_the_products() -> None:
    docs = ProductDocs(Path("/nowhere"))
    assert docs.owns("README.md")
    assert docs.owns("docs/guide.md")
    assert not docs.owns("manuals@0123456789ab/docs/guide.md")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"bad.md": b"\xff\xfe\x00"})
    (found,) = SingleFile(tmp_path / "bad.md").find().files
    with pytest.raises(InvalidRequest, match="UTF-8"):
        load_document(found)


def test_marks_of_windows_are_left_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"good.md": b"\xef\xbb\xbf# Good\r\n\r\nText.\r\n", "empty.md": " \n"})
    (good,) = SingleFile(tmp_path / "good.md").find().files
    (empty,) = SingleFile(tmp_path / "empty.md").find().files
    document = load_document(good)
    assert document is not None
    assert (document.title, document.text) == ("Good", "# Good\n\nText.\n")
    assert document.file is not None
    assert document.file.path == str(tmp_path / "good.md")
    content = (tmp_path / "good.md").read_bytes()
    assert document.file.digest == hashlib.sha256(content).hexdigest()
    assert load_document(empty) is None
