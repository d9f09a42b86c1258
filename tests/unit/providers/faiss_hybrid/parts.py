"""What the tests of the store share: chunks, a provider on a file, an embedder of words."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from llama_stack_api import (
    Api,
    ChunkMetadata,
    EmbeddedChunk,
    InsertChunksRequest,
    OpenAIEmbeddingData,
    OpenAIEmbeddingsRequestWithExtraBody,
    OpenAIEmbeddingsResponse,
    OpenAIEmbeddingUsage,
    QueryChunksRequest,
    VectorStore,
)

from lightspeed_stack_providers.faiss_hybrid import (
    FaissHybrid,
    FaissHybridConfig,
    get_provider_impl,
)
from lightspeed_stack_providers.vector_stores.shelved import ShelvedStores

STORE = "kb"
MODEL = "words/hashed"
DIMENSION = 16


def embed(text: str) -> list[float]:
    """Count the words of a text, by their hash."""
    vector = [0.0] * DIMENSION
    for word in text.lower().split():
        vector[hashlib.sha256(word.encode()).digest()[0] % DIMENSION] += 1.0
    return vector


class WordEmbedder:
    """An inference API that embeds, and fails while it is told to."""

    def __init__(self) -> None:
        self.requests: list[OpenAIEmbeddingsRequestWithExtraBody] = []
        self.failure: Exception | None = None
        self.answers_with: list[float] | None = None

    async def openai_embeddings(
        self, params: OpenAIEmbeddingsRequestWithExtraBody
    ) -> OpenAIEmbeddingsResponse:
        self.requests.append(params)
        if self.failure is not None:
            raise self.failure
        vectors = [self.answers_with or embed(str(text)) for text in params.input]
        return OpenAIEmbeddingsResponse(
            model=params.model,
            data=[
                OpenAIEmbeddingData(embedding=vector, index=index)
                for index, vector in enumerate(vectors)
            ],
            usage=OpenAIEmbeddingUsage(prompt_tokens=1, total_tokens=1),
        )


@asynccontextmanager
async def open_provider(
    path: Path, embedder: WordEmbedder | None = None, **settings: Any
) -> AsyncGenerator[FaissHybrid]:
    """Open a provider as the stack does; each has connections and indexes of its own."""
    config = FaissHybridConfig(db_path=path, **settings)
    inference: Any = embedder or WordEmbedder()
    provider = await get_provider_impl(config, {Api.inference: inference})
    try:
        yield provider
    finally:
        await provider.shutdown()


@asynccontextmanager
async def open_store(
    path: Path, embedder: WordEmbedder | None = None, **settings: Any
) -> AsyncGenerator[FaissHybrid]:
    """Open a provider that has the store `STORE`."""
    async with open_provider(path, embedder, **settings) as provider:
        await provider.register_vector_store(store())
        yield provider


def store(store_id: str = STORE, *, model: str = MODEL, dimension: int = DIMENSION) -> VectorStore:
    """Describe a store as run.yaml's entry arrives at the provider."""
    return VectorStore(
        identifier=store_id,
        provider_id="hybrid",
        embedding_model=model,
        embedding_dimension=dimension,
    )


def chunk(
    chunk_id: str, text: str, *, vector: list[float] | None = None, **metadata: Any
) -> EmbeddedChunk:
    """Make a chunk with the vector of its words; `vector=[]` leaves it pending."""
    return EmbeddedChunk(
        chunk_id=chunk_id,
        content=text,
        metadata=metadata,
        chunk_metadata=ChunkMetadata(chunk_id=chunk_id),
        embedding=embed(text) if vector is None else vector,
        embedding_model=MODEL,
        embedding_dimension=DIMENSION,
    )


def document(
    document_id: str, content_hash: str, texts: list[str], *, pending: bool = False
) -> list[EmbeddedChunk]:
    """Make the chunks of a document, the first with the source text."""
    chunks = [
        chunk(
            f"{document_id}-{content_hash}-{index}",
            text,
            vector=[] if pending else None,
            document_id=document_id,
            content_hash=content_hash,
            start=100 * index,
            title=f"Title of {document_id}",
        )
        for index, text in enumerate(texts)
    ]
    chunks[0].metadata["source_text"] = "\n".join(texts)
    return chunks


def cut_into(pieces: int, *, document_id: str = "d", total: int = 12) -> list[EmbeddedChunk]:
    """Make one version of a document, cut into so many pieces, as all that there is of it."""
    size = total // pieces
    chunks = [
        chunk(
            f"{document_id}-{pieces}-{index}",
            "alpha " * size,
            document_id=document_id,
            content_hash="h1",
            start=index * size,
        )
        for index in range(pieces)
    ]
    chunks[0].metadata |= {"source_text": "alpha " * total, "source_complete": True}
    return chunks


async def insert(provider: ShelvedStores, *chunks: EmbeddedChunk, store_id: str = STORE) -> None:
    """Insert chunks."""
    await provider.insert_chunks(InsertChunksRequest(vector_store_id=store_id, chunks=list(chunks)))


async def query(provider: ShelvedStores, text: str, **params: Any) -> list[tuple[str, float]]:
    """Search: the ids of the chunks found and their scores."""
    request = QueryChunksRequest(vector_store_id=STORE, query=text, params=params)
    response = await provider.query_chunks(request)
    ids = [found.chunk_id for found in response.chunks]
    return list(zip(ids, response.scores, strict=True))


async def found_ids(provider: ShelvedStores, text: str, **params: Any) -> list[str]:
    """Search: the ids of the chunks found, best first."""
    return [chunk_id for chunk_id, _ in await query(provider, text, **params)]


async def listed(provider: ShelvedStores, store_id: str = STORE) -> dict[str, dict[str, Any]]:
    """List the documents: their attributes by id, in the order of their arrival."""
    response = await provider.openai_list_files_in_vector_store(store_id, limit=None, order="asc")
    return {file.id: cast("dict[str, Any]", file.attributes) for file in response.data}
