"""The frozen set on which ranking is measured: texts, their chunks with vectors, questions.

What stands in tests/data/retrieval is checked against the hashes of its manifest. Chunks and
vectors are stored, so that a measurement embeds questions alone and does not depend on how
documents are cut today.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from lightspeed_core.app.services import started_engine
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import shipped_configuration
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose
from lightspeed_core.evaluation.questions import Question, read_questions
from lightspeed_core.ingest.chunk import chunk_document, embedding_text
from lightspeed_core.ingest.outline import first_heading
from lightspeed_core.ingest.sizes import Sizes

FOLDER = Path(__file__).resolve().parents[1] / "data" / "retrieval"
CORPUS = FOLDER / "corpus"
MANIFEST = FOLDER / "manifest.json"
CHUNKS = FOLDER / "chunks.jsonl"
VECTORS = FOLDER / "vectors.npy"
HALVES = ("tuning", "held-out")
STORE = "product-docs"
MODEL = "onnx/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class FrozenDocument:
    """A document with its chunks, each with its vector."""

    document: SourceDocument
    chunks: tuple[Chunk, ...]


def frozen_questions(half: str) -> tuple[Question, ...]:
    """Read one half of the questions; nothing may be tuned on `held-out`."""
    return read_questions(FOLDER / f"{half}.jsonl")


def read_documents() -> dict[str, SourceDocument]:
    """Read the texts by their ids, which are their paths."""
    found: dict[str, SourceDocument] = {}
    for path in sorted(CORPUS.rglob("*.md")):
        document_id, text = path.relative_to(CORPUS).as_posix(), path.read_text(encoding="utf-8")
        found[document_id] = SourceDocument(
            document_id=document_id,
            text=text,
            content_hash=hashlib.sha256(text.encode()).hexdigest(),
            title=first_heading(text) or path.stem,
        )
    return found


def frozen_documents() -> list[FrozenDocument]:
    """Read texts, chunks and vectors; raises `ValueError` where a file is not the frozen one."""
    changed = [name for name, digest in read_manifest()["files"].items() if digest != sha256(name)]
    if changed:
        raise ValueError(f"not as they were frozen: {', '.join(changed)}")
    documents = read_documents()
    rows: list[dict[str, Any]] = [json.loads(line) for line in CHUNKS.read_text().splitlines()]
    vectors = np.load(VECTORS, allow_pickle=False).astype(np.float32)
    chunks = [
        _chunk(documents[row["document_id"]], row, vector.tolist())
        for row, vector in zip(rows, vectors, strict=True)
    ]
    return [
        FrozenDocument(documents[document_id], tuple(own))
        for document_id, own in groupby(chunks, key=lambda chunk: chunk.document_id)
    ]


def read_manifest() -> dict[str, Any]:
    """Read where the texts come from, and the hashes of all files."""
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


def frozen_files() -> Iterator[str]:
    """List the files that the manifest vouches for."""
    yield from (path.relative_to(FOLDER).as_posix() for path in sorted(CORPUS.rglob("*.md")))
    yield from (f"{half}.jsonl" for half in HALVES)
    yield from (CHUNKS.name, VECTORS.name)


def sha256(name: str) -> str:
    """Hash a file of the set."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()


def configured(data_dir: Path) -> Configuration:
    """Load the shipped configuration with a data directory of its own."""
    return load_configuration(
        shipped_configuration(), {"LIGHTSPEED_DATA_DIR": str(data_dir), "HOME": str(data_dir)}
    )


@asynccontextmanager
async def filled_engine(data_dir: Path) -> AsyncGenerator[Engine]:
    """Start the shipped engine with a store that holds the frozen set and nothing else."""
    async with started_engine(configured(data_dir)) as engine:
        for each in frozen_documents():
            await engine.insert_document(STORE, each.document, each.chunks)
        yield engine


async def freeze(engine: Engine) -> None:
    """Cut the texts as they are cut today, embed them, and write chunks, vectors and hashes."""
    sizes = Sizes(await engine.embedding_reach(MODEL))
    cut = [
        (document, chunk)
        for document in read_documents().values()
        for chunk in chunk_document(document, sizes=sizes)
    ]
    vectors = await _embed(engine, [embedding_text(document, chunk) for document, chunk in cut])
    CHUNKS.write_text("".join(f"{json.dumps(_row(chunk))}\n" for _, chunk in cut))
    np.save(VECTORS, np.array(vectors, dtype=np.float16), allow_pickle=False)
    manifest = read_manifest() | {"model": MODEL, "chunks": len(cut)}
    manifest["files"] = {name: sha256(name) for name in frozen_files()}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


async def _embed(engine: Engine, texts: Sequence[str]) -> list[list[float]]:
    vectors: list[list[float]] = []
    for start in range(0, len(texts), 50):
        vectors += await engine.embed(
            texts[start : start + 50], model=MODEL, purpose=EmbeddingPurpose.PASSAGE
        )
        print(f"{len(vectors)} of {len(texts)} chunks are embedded")
    return vectors


def _row(chunk: Chunk) -> dict[str, Any]:
    return {
        "document_id": chunk.document_id,
        "start": chunk.start,
        "end": chunk.end,
        "heading": chunk.heading,
    }


def _chunk(document: SourceDocument, row: dict[str, Any], vector: list[float]) -> Chunk:
    start, end = row["start"], row["end"]
    return Chunk(
        chunk_id=f"{document.document_id}:{start}",
        document_id=document.document_id,
        content=document.text[start:end],
        start=start,
        end=end,
        heading=row["heading"],
        vector=vector,
    )
