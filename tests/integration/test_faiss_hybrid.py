"""The vector store among other processes, and inside a real Llama Stack."""

import asyncio
import contextlib
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_stack_providers.faiss_hybrid.failures import StoreFileUnusable
from tests.support.raw_stack import raw_stack
from tests.unit.providers.faiss_hybrid.parts import (
    chunk,
    found_ids,
    insert,
    listed,
    open_provider,
    open_store,
)
from tests.unit.providers.faiss_hybrid.writer import CHUNKS, DOCUMENTS

ROOT = Path(__file__).parents[2]
MODEL = "onnx/all-MiniLM-L6-v2"
DIMENSION = 384
OF_THE_STACK = "ignore:.*deprecated:DeprecationWarning"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knowledge.db"


@asynccontextmanager
async def writing(path: Path) -> AsyncGenerator[Process]:
    module = "tests.unit.providers.faiss_hybrid.writer"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, str(path), stdout=PIPE, cwd=ROOT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def told(process: Process) -> tuple[str, str]:
    """Wait for the next document that the process stored."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    document_id, version = line.decode().split()
    return document_id, version


@pytest.mark.parametrize("commits", [4, 11])
async def test_a_killed_writer_leaves_whole_documents(path: Path, commits: int) -> None:
    stored: dict[str, str] = {}
    async with writing(path) as process:
        for _ in range(commits):
            document_id, version = await told(process)
            stored[document_id] = version
        process.kill()
        await process.wait()

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    async with open_provider(path) as provider:
        documents = await listed(provider)
        assert documents.keys() == stored.keys()
        for document_id, attributes in documents.items():
            # It may have stored more than it came to tell.
            assert int(attributes["content_hash"][1:]) >= int(stored[document_id][1:])
            assert (attributes["chunks"], attributes["pending"]) == (CHUNKS, 0)
        for mode in ("keyword", "vector"):
            assert len(await found_ids(provider, "alpha", mode=mode, max_chunks=1000)) == (
                CHUNKS * DOCUMENTS
            )
        await insert(provider, chunk("after", "omega"))
        assert await found_ids(provider, "omega", mode="keyword") == ["after"]


async def test_processes_see_each_others_inserts_within_a_second(path: Path) -> None:
    async with open_store(path) as provider, writing(path) as process:
        await found_ids(provider, "alpha")
        for _ in range(10):
            _, version = await told(process)
            started = time.monotonic()
            found = await found_ids(provider, version, mode="keyword", max_chunks=CHUNKS)
            # The document may have been replaced in the meantime, but never in part.
            newer = sorted({each.split("-")[1] for each in found})
            assert newer in ([], [version])
            assert len(found) in (0, CHUNKS)
            assert time.monotonic() - started < 1
        await insert(provider, chunk("mine", "omega"))
        await told(process)
        assert await found_ids(provider, "omega", mode="keyword") == ["mine"]


async def test_a_file_that_another_process_keeps_writing_can_be_read(path: Path) -> None:
    async with open_store(path) as provider:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await listed(provider) == {}
            with pytest.raises(StoreFileUnusable, match="Another process"):
                await insert(provider, chunk("a", "alpha"))
            other.execute("ROLLBACK")
        other.close()
        await insert(provider, chunk("a", "alpha"))


def run_yaml(folder: Path, *, dimension: int = DIMENSION) -> Path:
    config: dict[str, Any] = {
        "version": 2,
        "distro_name": "hybrid",
        "apis": ["inference", "vector_io"],
        "providers": {
            "inference": [
                {
                    "provider_id": "onnx",
                    "provider_type": "inline::onnx_embeddings",
                    "module": "lightspeed_stack_providers.onnx_embeddings",
                    "config": {},
                }
            ],
            "vector_io": [
                {
                    "provider_id": "hybrid",
                    "provider_type": "inline::faiss_hybrid",
                    "module": "lightspeed_stack_providers.faiss_hybrid",
                    "config": {"db_path": str(folder / "knowledge.db"), "mark_queries": True},
                }
            ],
        },
        "storage": {
            "backends": {
                "kv_default": {"type": "kv_sqlite", "db_path": ":memory:"},
                "sql_default": {"type": "sql_sqlite", "db_path": str(folder / "sql.db")},
            }
        },
        "registered_resources": {
            "models": [
                {
                    "model_id": "all-MiniLM-L6-v2",
                    "provider_id": "onnx",
                    "provider_model_id": "all-MiniLM-L6-v2",
                    "model_type": "embedding",
                    "metadata": {"embedding_dimension": DIMENSION},
                }
            ],
            "vector_stores": [
                {
                    "vector_store_id": "kb",
                    "provider_id": "hybrid",
                    "embedding_model": MODEL,
                    "embedding_dimension": dimension,
                }
            ],
        },
    }
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.fixture(autouse=True)
def plain_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_STACK_LOG_FORMAT", "json")


TEXTS = [
    "Back up the database every night and keep seven copies.",
    "The web console listens on port 8443 by default.",
    "Certificates are renewed automatically thirty days before they expire.",
]


def wire_chunks(vectors: list[list[float]]) -> list[dict[str, Any]]:
    chunks = [
        {
            "content": text,
            "chunk_id": f"guide-{index}",
            "metadata": {
                "document_id": "guide",
                "content_hash": "h1",
                "title": "Guide",
                "start": 100 * index,
            },
            "chunk_metadata": {"document_id": "guide"},
            "embedding": vector,
            "embedding_model": MODEL,
            "embedding_dimension": DIMENSION,
        }
        for index, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
    ]
    first: Any = chunks[0]
    first["metadata"]["source_text"] = "\n".join(TEXTS)
    return chunks


@pytest.mark.filterwarnings(OF_THE_STACK)
async def test_a_real_stack_stores_finds_lists_and_deletes(tmp_path: Path) -> None:
    question = "How often do I save my data?"
    async with raw_stack(run_yaml(tmp_path)) as client:
        await client.vector_io.insert(vector_store_id="kb", chunks=wire_chunks([[], [], []]))
        [pending] = (await client.vector_stores.files.list(vector_store_id="kb")).data
        assert (pending.id, pending.status) == ("guide", "in_progress")
        by_word = await client.vector_io.query(
            vector_store_id="kb", query="certificate expiry", params={"mode": "hybrid"}
        )
        assert by_word.chunks[0].content == TEXTS[2]

        embedded = await client.embeddings.create(model=MODEL, input=TEXTS)
        vectors = [row.embedding for row in embedded.data]
        await client.vector_io.insert(vector_store_id="kb", chunks=wire_chunks(vectors))
        page = await client.vector_stores.search(vector_store_id="kb", query=question)
        assert page.data[0].content[0].text == TEXTS[0]
        assert page.data[0].attributes["content_hash"] == "h1"
        filtered = await client.vector_io.query(
            vector_store_id="kb",
            query=question,
            params={"mode": "hybrid", "filters": {"type": "gt", "key": "start", "value": 0}},
        )
        assert {each.content for each in filtered.chunks} == set(TEXTS[1:])
        assert all(0 <= score <= 1 for score in filtered.scores)

    async with raw_stack(run_yaml(tmp_path)) as client:
        [kept] = (await client.vector_stores.files.list(vector_store_id="kb")).data
        assert (kept.status, kept.attributes["chunks"]) == ("completed", 3)
        text = await client.vector_stores.files.content(vector_store_id="kb", file_id="guide")
        assert text.data[0].text == "\n".join(TEXTS)
        await client.vector_stores.files.delete(vector_store_id="kb", file_id="guide")
        assert (await client.vector_stores.files.list(vector_store_id="kb")).data == []
        made = await client.vector_stores.create(
            name="second", extra_body={"embedding_model": MODEL, "provider_id": "hybrid"}
        )
        assert made.name == "second"
        assert (await client.vector_stores.delete(made.id)).deleted


@pytest.mark.filterwarnings(OF_THE_STACK)
async def test_a_stack_with_another_dimension_starts_and_serves_the_vectors_that_are_there(
    tmp_path: Path,
) -> None:
    async with raw_stack(run_yaml(tmp_path)) as client:
        embedded = await client.embeddings.create(model=MODEL, input=TEXTS)
        vectors = [row.embedding for row in embedded.data]
        await client.vector_io.insert(vector_store_id="kb", chunks=wire_chunks(vectors))
    async with raw_stack(run_yaml(tmp_path, dimension=256)) as client:
        found = await client.vector_io.query(
            vector_store_id="kb", query=TEXTS[1], params={"mode": "vector"}
        )
        assert found.chunks[0].content == TEXTS[1]
