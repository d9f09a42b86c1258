"""How documents are stored in stores that keep documents and in those that do not."""

import pytest

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.stack import Scored
from lightspeed_core.engine.llama_stack.vector_stores import (
    delete_document,
    documents,
    insert_document,
    vector_stores,
)
from lightspeed_core.engine.types import SearchMode, StoredDocument
from lightspeed_core.errors import InvalidRequest
from tests.support.memory_stack import MemoryStack, provider, store

SOURCE = SourceDocument(document_id="d1", text="one two", content_hash="h", title="T")
CHUNKS = (
    Chunk(chunk_id="c1", document_id="d1", content="one", start=0, end=3, vector=(1, 0)),
    Chunk(chunk_id="c2", document_id="d1", content="two", start=4, end=7, heading="A", page=2),
)


def stack_with(provider_type: str) -> MemoryStack:
    return MemoryStack(
        listed_providers=[provider("db", provider_type, "vector_io")],
        listed_stores=[store("docs", "db"), store("orphan", "gone")],
    )


def held(chunk_id: str, content_hash: str = "h") -> Scored:
    metadata = {"document_id": "d1", "content_hash": content_hash}
    return Scored({"chunk_id": chunk_id, "content": "", "metadata": metadata}, 0.1)


async def test_stores_of_absent_providers_are_not_listed():
    (listed,) = await vector_stores(stack_with("inline::faiss"))
    assert (listed.store_id, listed.name) == ("docs", "name of docs")
    assert listed.modes == {SearchMode.VECTOR}


async def test_a_document_store_is_given_the_source_and_pending_chunks():
    stack = stack_with("inline::faiss_hybrid")
    await insert_document(stack, "docs", SOURCE, CHUNKS)
    ((_, (_, (first, second))),) = stack.asked
    assert first["embedding"] == [1.0, 0.0]
    assert first["metadata"]["source_text"] == "one two"
    assert second["embedding"] == []
    assert second["metadata"] == {
        "document_id": "d1",
        "content_hash": "h",
        "start": 4,
        "end": 7,
        "title": "T",
        "heading": "A",
        "page": 2,
    }
    assert second["embedding_model"] == "emb/model"


async def test_a_built_in_store_loses_the_older_chunks_first_and_keeps_no_source():
    stack = stack_with("inline::faiss")
    stack.found = [[held("old-1"), held("old-2")]]
    await insert_document(stack, "docs", SOURCE, CHUNKS[:1])
    operations = [name for name, _ in stack.asked]
    assert operations == ["query", "delete_chunks", "query", "insert"]
    assert [each["chunk_id"] for each in stack.asked[1][1][1]] == ["old-1", "old-2"]
    assert "source_text" not in stack.asked[-1][1][1][0]["metadata"]


async def test_a_built_in_store_takes_no_pending_chunk():
    stack = stack_with("inline::faiss")
    with pytest.raises(InvalidRequest):
        await insert_document(stack, "docs", SOURCE, CHUNKS)
    assert stack.asked == []


async def test_a_document_store_deletes_what_it_lists_and_nothing_else():
    stack = stack_with("inline::faiss_hybrid")
    stack.listed_files = [{"id": "d1", "attributes": {}}]
    await delete_document(stack, "docs", "d2")
    assert stack.asked == []
    await delete_document(stack, "docs", "d1")
    assert stack.asked == [("delete_file", ("docs", "d1"))]


async def test_documents_are_read_from_the_list_or_gathered_from_chunks():
    keeping = stack_with("inline::faiss_hybrid")
    attributes = {"content_hash": "h", "chunks": 3, "pending": 1}
    keeping.listed_files = [{"id": "d1", "attributes": attributes}]
    plain = stack_with("inline::faiss")
    plain.found = [[held("c1"), held("c2"), held("c3", "other")]]
    assert await documents(keeping, "docs") == [
        StoredDocument(document_id="d1", content_hash="h", chunks=3, pending=1)
    ]
    assert await documents(plain, "docs") == [
        StoredDocument(document_id="d1", content_hash="h", chunks=2),
        StoredDocument(document_id="d1", content_hash="other", chunks=1),
    ]
