import pytest
from llama_stack_api import ResourceNotFoundError, VectorStoreNotFoundError

from lightspeed_stack_providers.faiss_hybrid import FaissHybrid
from tests.unit.providers.faiss_hybrid.parts import STORE, chunk, document, embed, found_ids, insert


async def test_a_document_is_shown_as_a_file_with_its_counts(provider: FaissHybrid) -> None:
    chunks = document("d", "h1", ["alpha", "beta"])
    chunks[1].embedding = []
    chunks[0].metadata |= {"url": "https://example.com/d", "source": "manual"}
    await insert(provider, *chunks)
    file = await provider.openai_retrieve_vector_store_file(STORE, "d")
    assert (file.id, file.vector_store_id, file.status) == ("d", STORE, "in_progress")
    assert file.attributes == {
        "content_hash": "h1",
        "chunks": 2,
        "pending": 1,
        "has_text": True,
        "title": "Title of d",
        "url": "https://example.com/d",
        "source": "manual",
    }
    assert file.usage_bytes == len("alpha\nbeta")


async def test_documents_are_listed_by_pages(provider: FaissHybrid) -> None:
    names = [f"d{i}" for i in range(5)]
    for name in names:
        await insert(provider, *document(name, "h1", ["alpha"], pending=name == "d3"))

    async def page(**wanted: object) -> tuple[list[str], bool]:
        listing = await provider.openai_list_files_in_vector_store(STORE, **wanted)  # pyright: ignore[reportArgumentType] - keywords of the test
        assert listing.first_id == (listing.data[0].id if listing.data else None)
        return [file.id for file in listing.data], listing.has_more

    assert await page() == (names[::-1], False)
    assert await page(order="asc", limit=2) == (["d0", "d1"], True)
    assert await page(order="asc", limit=2, after="d1") == (["d2", "d3"], True)
    assert await page(order="asc", after="d3") == (["d4"], False)
    assert await page(order="asc", before="d2") == (["d0", "d1"], False)
    assert await page(filter="in_progress") == (["d3"], False)
    assert await page(filter="failed") == ([], False)


async def test_the_contents_of_a_document_are_its_source_text(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"]))
    contents = await provider.openai_retrieve_vector_store_file_contents(STORE, "d")
    assert [content.text for content in contents.data] == ["alpha\nbeta"]


async def test_without_a_source_text_the_contents_are_the_chunks_in_order(
    provider: FaissHybrid,
) -> None:
    await insert(
        provider,
        chunk("b", "beta", document_id="d", start=10),
        chunk("a", "alpha", document_id="d", start=5),
    )
    contents = await provider.openai_retrieve_vector_store_file_contents(STORE, "d")
    assert [(content.text, content.metadata) for content in contents.data] == [
        ("alpha", None),
        ("beta", None),
    ]


async def test_embeddings_and_metadata_come_chunk_by_chunk(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha", "beta"]))
    contents = await provider.openai_retrieve_vector_store_file_contents(
        STORE, "d", include_embeddings=True, include_metadata=True
    )
    first, second = contents.data
    assert (first.text, second.text) == ("alpha", "beta")
    assert first.embedding == pytest.approx(embed("alpha"))
    assert first.metadata is not None
    assert "source_text" not in first.metadata
    assert first.chunk_metadata is not None


async def test_a_deleted_document_is_found_no_more(provider: FaissHybrid) -> None:
    await insert(provider, *document("d", "h1", ["alpha"]), *document("e", "h1", ["alpha"]))
    assert (await provider.openai_delete_vector_store_file(STORE, "d")).deleted
    assert await found_ids(provider, "alpha", mode="hybrid") == ["e-h1-0"]
    for call in (
        provider.openai_delete_vector_store_file,
        provider.openai_retrieve_vector_store_file,
        provider.openai_retrieve_vector_store_file_contents,
    ):
        with pytest.raises(ResourceNotFoundError, match=f"'d' not found in vector store '{STORE}'"):
            await call(STORE, "d")


async def test_documents_of_an_unknown_store_are_not_an_empty_list(provider: FaissHybrid) -> None:
    with pytest.raises(VectorStoreNotFoundError):
        await provider.openai_list_files_in_vector_store("nowhere")
