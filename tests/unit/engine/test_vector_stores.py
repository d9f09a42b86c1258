"""How documents are stored in stores that keep documents and in those that do not."""

import hashlib
from dataclasses import replace

import pytest

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.stack import Scored
from lightspeed_core.engine.llama_stack.stored_documents import (
    delete_document,
    document_chunks,
    documents,
    insert_document,
    source_document,
)
from lightspeed_core.engine.llama_stack.vector_stores import (
    create_vector_store,
    delete_vector_store,
    replace_vector_store,
    update_vector_store,
    vector_stores,
)
from lightspeed_core.engine.types import NewVectorStore, SearchMode, StoredDocument
from lightspeed_core.errors import Conflict, InvalidRequest, NotFound
from tests.support.memory_stack import MemoryStack, model, provider, store

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
    await insert_document(stack, "docs", replace(SOURCE, language="de"), CHUNKS)
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
        "language": "de",
        "heading": "A",
        "page": 2,
        "content_digest": hashlib.sha256(b"two").hexdigest(),
    }
    assert second["embedding_model"] == "emb/model"


@pytest.mark.requirement("import.refused")
async def test_what_another_program_wrote_beside_a_chunk_never_takes_the_place_of_what_is_ours():
    stack = stack_with("inline::faiss_hybrid")
    foreign = {"file_path": "/etc/passwd", "page": 9, "url": "x", "source_text": "y", "tokens": 12}
    await insert_document(stack, "docs", SOURCE, [replace(CHUNKS[0], attributes=foreign)])
    ((_, (_, (written,))),) = stack.asked
    assert written["metadata"]["tokens"] == 12
    assert written["metadata"]["source_text"] == "one two"
    assert not {"file_path", "page", "url"} & written["metadata"].keys()


async def test_a_built_in_store_gets_the_new_chunks_before_it_loses_the_older_ones():
    stack = stack_with("inline::faiss")
    stack.found = [[held("old-1"), held("old-2")], [held("old-1"), held("old-2")]]
    await insert_document(stack, "docs", SOURCE, CHUNKS[:1])
    operations = [name for name, _ in stack.asked]
    assert operations == [
        *("query", "require_chunk_deletion", "insert"),
        *("query", "delete_chunks", "query"),
    ]
    (written,) = stack.asked[2][1][1]
    assert "source_text" not in written["metadata"]
    assert {each["chunk_id"] for each in stack.asked[4][1][1]} == {"old-1", "old-2"}


async def test_a_chunk_that_a_built_in_store_has_already_is_neither_stored_nor_deleted():
    stack = stack_with("inline::faiss")
    await insert_document(stack, "docs", SOURCE, CHUNKS[:1])
    (written,) = stack.asked[1][1][1]
    same = [held(written["chunk_id"]), held("old")]
    stack.found = [same, same]
    stack.asked.clear()
    await insert_document(stack, "docs", SOURCE, CHUNKS[:1])
    told = dict(stack.asked)
    assert "insert" not in told
    assert [each["chunk_id"] for each in told["delete_chunks"][1]] == ["old"]
    moved = replace(CHUNKS[0], start=1, end=4)
    stack.asked.clear()
    await insert_document(stack, "docs", SOURCE, [moved])
    assert dict(stack.asked)["insert"][1][0]["chunk_id"] != written["chunk_id"]


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
        StoredDocument(document_id="d1", content_hash="", chunks=3)
    ]
    plain.found = [[held("c1"), held("c2")]]
    assert await documents(plain, "docs") == [
        StoredDocument(document_id="d1", content_hash="h", chunks=2)
    ]


async def test_vectors_of_another_model_are_refused_before_they_are_sent():
    stack = stack_with("inline::faiss_hybrid")
    with pytest.raises(InvalidRequest, match=r"holds vectors of emb/model.*index its documents"):
        await insert_document(stack, "docs", SOURCE, CHUNKS, embedding_model="emb/other")
    assert stack.asked == []
    await insert_document(stack, "docs", SOURCE, CHUNKS, embedding_model="emb/model")


async def test_chunks_and_source_are_read_back_as_they_were_stored():
    stack = stack_with("inline::faiss_hybrid")
    attributes = {"content_hash": "h", "title": "T", "url": "u", "has_text": True}
    stack.listed_files = [{"id": "d1", "attributes": attributes}]
    stack.listed_contents = [
        {
            "text": "two",
            "embedding": [],
            "metadata": {"start": 4, "end": 7, "heading": "A", "page": 2},
            "chunk_metadata": {"chunk_id": "c2"},
        }
    ]
    assert await document_chunks(stack, "docs", "d1") == [CHUNKS[1]]
    stack.listed_contents = [{"text": "one two"}]
    read = await source_document(stack, "docs", "d1")
    assert (read.text, read.title, read.url, read.source) == ("one two", "T", "u", None)
    for reading in (document_chunks, source_document):
        with pytest.raises(NotFound):
            await reading(stack, "docs", "d2")
        with pytest.raises(InvalidRequest, match="Not supported"):
            await reading(stack_with("inline::faiss"), "docs", "d1")
    attributes["has_text"] = False
    with pytest.raises(NotFound):
        await source_document(stack, "docs", "d1")


async def test_a_new_store_takes_the_dimension_of_its_model():
    stack = stack_with("inline::faiss_hybrid")
    embedding = model("emb/small", "embedding")
    embedding["metadata"]["embedding_dimension"] = 3
    stack.listed_models = [embedding, model("llm/big")]
    made = await create_vector_store(stack, NewVectorStore(name="New", embedding_model="emb/small"))
    assert made.store_id == "vs_new"
    (asked,) = stack.asked
    body: dict[str, object] = {
        "name": "New",
        "metadata": {},
        "embedding_model": "emb/small",
        "embedding_dimension": 3,
    }
    assert asked == ("create_vector_store", body)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewVectorStore(name="n", embedding_model="emb/none"), NotFound),
        (NewVectorStore(name="n", embedding_model="llm/big"), NotFound),
        (
            NewVectorStore(name="n", embedding_model="emb/small", embedding_dimension=4),
            InvalidRequest,
        ),
        (NewVectorStore(name="n", provider_id="nobody"), InvalidRequest),
        (NewVectorStore(name="n", store_id="docs"), Conflict),
    ],
)
async def test_a_store_that_cannot_be_is_not_made(new: NewVectorStore, error: type[Exception]):
    stack = stack_with("inline::faiss_hybrid")
    embedding = model("emb/small", "embedding")
    embedding["metadata"]["embedding_dimension"] = 3
    stack.listed_models = [embedding, model("llm/big")]
    with pytest.raises(error):
        await create_vector_store(stack, new)
    assert stack.asked == []


async def test_only_what_is_given_of_a_store_changes():
    stack = stack_with("inline::faiss_hybrid")
    await update_vector_store(stack, "docs", name=None, metadata=None, expires_at=7)
    assert stack.asked[0] == ("update_vector_store", ("docs", {"expires_after": {"at": 7}}))
    with pytest.raises(InvalidRequest, match="cannot expire"):
        await update_vector_store(
            stack_with("inline::faiss"), "docs", name="n", metadata=None, expires_at=7
        )
    with pytest.raises(NotFound):
        await update_vector_store(stack, "none", name="n", metadata=None, expires_at=None)


async def test_stores_of_one_provider_of_ours_alone_are_exchanged():
    stack = stack_with("inline::faiss_hybrid")
    stack.listed_stores = [*stack.listed_stores, store("next", "db"), store("far", "other")]
    stack.listed_providers = [
        *stack.listed_providers,
        provider("other", "inline::faiss_hybrid", "vector_io"),
    ]
    await replace_vector_store(stack, "docs", by="next")
    assert stack.asked == [("replace_vector_store", ("docs", "next"))]
    with pytest.raises(InvalidRequest, match="Not supported"):
        await replace_vector_store(stack, "docs", by="far")
    with pytest.raises(NotFound):
        await replace_vector_store(stack, "docs", by="none")
    assert not await delete_vector_store(stack, "none")
