"""Fills vector stores of an operator's own, as an earlier run of the product would have."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from llama_stack_api import (
    ChunkMetadata,
    EmbeddedChunk,
    InsertChunksRequest,
    OpenAIEmbeddingsRequestWithExtraBody,
    VectorStore,
)

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose
from lightspeed_stack_providers.faiss_hybrid import FaissHybrid, FaissHybridConfig
from lightspeed_stack_providers.onnx_embeddings import OnnxEmbeddings, OnnxEmbeddingsConfig

TEXTS = (
    "The heron stands still in shallow water and waits for fish.",
    "Operators are installed by the lifecycle manager of the cluster.",
    "The ledger of the harbour lists ships by the day of their arrival.",
)


@asynccontextmanager
async def embedder_of(folder: Path) -> AsyncGenerator[OnnxEmbeddings]:
    """Open a model of a folder."""
    model = OnnxEmbeddings(OnnxEmbeddingsConfig(model_dir=folder, model_name="m"))
    model.__provider_id__ = "onnx"
    await model.initialize()
    try:
        yield model
    finally:
        await model.shutdown()


async def vectors_of(folder: Path, texts: Sequence[str]) -> list[list[float]]:
    """Embed texts with the model of a folder."""
    async with embedder_of(folder) as model:
        request = OpenAIEmbeddingsRequestWithExtraBody(model="m", input=list(texts))
        return [
            list(map(float, each.embedding))
            for each in (await model.openai_embeddings(request)).data
        ]


async def fill_hybrid_file(
    path: Path, store_id: str, *, folder: Path, model: str, dimension: int
) -> None:
    """Write a file of the hybrid store that holds `TEXTS`, embedded by the model of a folder."""
    vectors = await vectors_of(folder, TEXTS)
    inference: Any = None
    provider = FaissHybrid(FaissHybridConfig(db_path=path), inference)
    await provider.initialize()
    try:
        await provider.register_vector_store(
            VectorStore(
                identifier=store_id,
                provider_id="p",
                embedding_model=model,
                embedding_dimension=dimension,
            )
        )
        chunks = [
            EmbeddedChunk(
                content=text,
                chunk_id=f"c{number}",
                metadata={"document_id": f"d{number}", "title": f"Page {number}"},
                chunk_metadata=ChunkMetadata(document_id=f"d{number}"),
                embedding=vector,
                embedding_model=model,
                embedding_dimension=dimension,
            )
            for number, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
        ]
        await provider.insert_chunks(InsertChunksRequest(vector_store_id=store_id, chunks=chunks))
    finally:
        await provider.shutdown()


async def fill_store(engine: Engine, store_id: str, *, word: str = "") -> None:
    """Put `TEXTS` into a store of a running engine, each with a word in front."""
    (info,) = [each for each in await engine.vector_stores() if each.store_id == store_id]
    for number, text in enumerate(TEXTS):
        written = f"{word} {text}".strip()
        (vector,) = await engine.embed(
            [written], model=info.embedding_model, purpose=EmbeddingPurpose.PASSAGE
        )
        document = SourceDocument(
            document_id=f"d{number}",
            content_hash="1",
            text=written,
            title=f"{word} {number}",
            url=f"https://docs.example.com/{word}/{number}",
        )
        chunk = Chunk(
            chunk_id=f"{store_id}-{number}",
            document_id=document.document_id,
            content=written,
            start=0,
            end=len(written),
            vector=vector,
        )
        await engine.insert_document(store_id, document, [chunk])
