"""Folders that are taken into stores of a scripted engine, with every step noted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.types import EmbeddingPurpose
from lightspeed_core.errors import EngineFailed
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.load import load_document
from lightspeed_core.ingest.memory import MemoryIndexedFiles, MemoryJobs
from lightspeed_core.ingest.runner import JobRunner
from lightspeed_core.ingest.sources import ProductDocs
from tests.support.scripted_engine import ScriptedEngine, ScriptedStore, store_info

STORE = "manuals"


@dataclass
class Recording(ScriptedEngine):
    """An engine that notes each step, and fails or waits where it is told to."""

    steps: list[str] = field(default_factory=list[str])
    poison: str = ""
    error: Exception = field(default_factory=lambda: EngineFailed("garbage"))
    gate: asyncio.Event | None = None
    embedding: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_embedding(self, *, within: float = 10.0) -> None:
        """Wait until something is being embedded."""
        async with asyncio.timeout(within):
            await self.embedding.wait()

    async def embed(
        self, texts: Sequence[str], *, model: str, purpose: EmbeddingPurpose
    ) -> list[list[float]]:
        self.steps.append(f"embed {len(texts)}")
        self.embedding.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.poison and any(self.poison in text for text in texts):
            raise self.error
        return await super().embed(texts, model=model, purpose=purpose)

    async def insert_document(
        self,
        store_id: str,
        document: SourceDocument,
        chunks: Sequence[Chunk],
        *,
        embedding_model: str | None = None,
        is_whole: bool = False,
    ) -> None:
        lacking = sum(chunk.vector is None for chunk in chunks)
        kind = "text" if lacking else "vectors"
        self.steps.append(f"{kind} {name_of(document.document_id)}")
        await super().insert_document(
            store_id, document, chunks, embedding_model=embedding_model, is_whole=is_whole
        )

    async def delete_document(self, store_id: str, document_id: str) -> None:
        self.steps.append(f"delete {name_of(document_id)}")
        await super().delete_document(store_id, document_id)


def name_of(document_id: str) -> str:
    """Return a document's path without the label of its folder."""
    return document_id.partition("/")[2] or document_id


def engine_with_store(*, takes_pending_chunks: bool = True) -> tuple[Recording, ScriptedStore]:
    """Return an engine with one empty store."""
    engine = Recording()
    info = replace(store_info(STORE), takes_pending_chunks=takes_pending_chunks)
    return engine, engine.add_store(info)


def ingestion_over(engine: ScriptedEngine) -> Ingestion:
    """Return ingestion that forgets everything with the process."""
    jobs = MemoryJobs()
    return Ingestion(engine=engine, jobs=jobs, indexed=MemoryIndexedFiles(), runner=JobRunner(jobs))


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def load_product_docs(root: Path) -> list[SourceDocument]:
    """Read the product's own documents as they are indexed."""
    loaded = (load_document(file) for file in ProductDocs(root).find().files)
    return [document for document in loaded if document is not None]
