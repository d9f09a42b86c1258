"""What a citation is checked by survives any store, and what others wrote there does no harm."""

import json

import pytest

from lightspeed_core.domain.retrieval import Chunk, ChunkOrigin, SourceDocument, SourceFile
from lightspeed_core.engine.llama_stack.origin import (
    ORIGIN_KEYS,
    origin_metadata,
    read_origin,
    read_page_breaks,
)

FILE = SourceFile(path="/docs/a.pdf", size=7, modified_ns=1763800000123456789, digest="ab" * 32)
DOCUMENT = SourceDocument(document_id="a", text="one two", content_hash="", title="A", file=FILE)
CHUNK = Chunk(
    chunk_id="1",
    document_id="a",
    content="one two",
    start=0,
    end=7,
    page=1,
    page_breaks=(4, 5),
    table_header="| n |",
)


def test_the_origin_of_a_chunk_comes_back_as_it_was() -> None:
    metadata = json.loads(json.dumps(origin_metadata(DOCUMENT, CHUNK)))
    assert metadata.keys() == ORIGIN_KEYS
    origin = read_origin(metadata)
    assert (origin.file, origin.page_breaks) == (FILE, (4, 5))
    assert origin.content_digest is not None


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"content_digest": 3, "page_breaks": "4", "file_path": 1, "file_digest": "x"},
        {"file_path": "/etc/passwd", "file_digest": "x", "file_size": "7"},
    ],
)
def test_what_another_program_wrote_there_is_nothing(metadata: dict[str, object]) -> None:
    assert read_origin(metadata) == ChunkOrigin()


def test_page_breaks_are_put_in_order() -> None:
    assert read_page_breaks({"page_breaks": [7, "x", 4.0, None]}) == (4, 7)
