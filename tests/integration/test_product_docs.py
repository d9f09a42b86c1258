"""The product's own documents make a knowledge base whose citations are exact."""

from collections.abc import AsyncGenerator

import pytest

from lightspeed_core.assistant.citations import sentence_spans, verify_citations
from lightspeed_core.assistant.retrieval import retrieve
from lightspeed_core.assistant.sources import Source
from lightspeed_core.config.shipped import shipped_root
from lightspeed_core.domain.events import CitationVerified, TextDelta
from lightspeed_core.domain.retrieval import SourceDocument
from lightspeed_core.engine.types import EmbeddingReach
from lightspeed_core.ingest.chunk import chunk_document, embedding_text
from lightspeed_core.ingest.sizes import Sizes
from lightspeed_core.ingest.sources import ProductDocs
from lightspeed_stack_providers.onnx_embeddings.counter import token_count
from lightspeed_stack_providers.onnx_embeddings.folder import default_model
from tests.support.ingesting import ingestion_over, load_product_docs
from tests.support.scripted_engine import ScriptedEngine, store_info

STORE = "product-docs"
SOURCE = Source(name=STORE, store=store_info(STORE))
DOCUMENTS = load_product_docs(shipped_root())
BY_ID = {document.document_id: document for document in DOCUMENTS}


@pytest.fixture
async def engine() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.add_store(store_info(STORE))
    await ingestion_over(engine).keep(STORE, ProductDocs(shipped_root()))
    return engine


def test_the_user_documentation_is_among_the_documents() -> None:
    assert {
        "README.md",
        "docs/citations.md",
        "docs/concepts.md",
        "docs/configuration.md",
        "docs/deployment/containers.md",
        "docs/rag_guide.md",
        "docs/troubleshooting.md",
    } <= BY_ID.keys()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.document_id)
def test_chunks_are_exact_pieces_of_every_document(document: SourceDocument) -> None:
    chunks = chunk_document(document)
    position = 0
    for chunk in chunks:
        assert chunk.content == document.text[chunk.start : chunk.end]
        assert not document.text[position : chunk.start].strip()
        position = chunk.end
    assert not document.text[position:].strip()


def test_no_chunk_is_longer_than_the_embedding_model_reads() -> None:
    counted = token_count(default_model())
    sizes = Sizes(EmbeddingReach(tokens=counted.limit, count=counted.count))
    for document in DOCUMENTS:
        for chunk in chunk_document(document, sizes=sizes):
            assert counted.count(embedding_text(document, chunk)) <= counted.limit


async def test_every_document_is_indexed_with_all_its_vectors(engine: ScriptedEngine) -> None:
    stored = {each.document_id: each for each in await engine.documents(STORE)}
    assert stored.keys() == BY_ID.keys()
    assert {name: each.content_hash for name, each in stored.items()} == {
        name: document.content_hash for name, document in BY_ID.items()
    }
    assert sum(each.pending for each in stored.values()) == 0


async def test_a_second_start_embeds_nothing(engine: ScriptedEngine) -> None:
    before = len(engine.embedded)
    await ingestion_over(engine).keep(STORE, ProductDocs(shipped_root()))
    assert len(engine.embedded) == before > 0


@pytest.mark.parametrize(
    "question",
    [
        "How do I change the port on which the service listens?",
        "How do I resume a stream after a lost connection?",
        "What is a turn?",
        "Which environment variable names the data directory?",
    ],
)
async def test_what_is_quoted_from_the_documents_is_cited_at_its_place(
    engine: ScriptedEngine, question: str
) -> None:
    chunks = (await retrieve(engine, question, [SOURCE])).chunks
    quotes = [
        (number, chunk.content[start:end])
        for number, chunk in enumerate(chunks, start=1)
        for start, end in sentence_spans(chunk.content)
        if not chunk.content.startswith("#", start) and chunk.content[start:end][-1] == "."
    ]
    assert quotes

    async def answer() -> AsyncGenerator[TextDelta]:
        for number, quote in quotes:
            yield TextDelta((f"{quote} [{number}]", "\n\n"))

    cited = [
        event.citation
        async for event in verify_citations(answer(), chunks)
        if isinstance(event, CitationVerified)
    ]
    assert len(cited) == len(quotes)
    for (_, quote), citation in zip(quotes, cited, strict=True):
        source = BY_ID[citation.document_id or ""]
        assert source.text[citation.start : citation.end] == citation.quote
        assert citation.content_hash == source.content_hash
        assert citation.quote == quote
