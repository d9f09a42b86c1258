"""An index is built anew beside the one that serves, and takes its place when it is whole."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from lightspeed_core.engine.types import EmbeddingReach, ModelInfo, NewVectorStore
from lightspeed_core.errors import EngineUnavailable, InvalidRequest, NotFound
from lightspeed_core.ingest.chunk import chunk_document, embedding_text
from lightspeed_core.ingest.ingestion import Ingestion
from lightspeed_core.ingest.jobs import Counts, Job, JobKind, JobState, NewJob
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.reindex import reindex, wanted_model
from lightspeed_core.ingest.sources import Folder
from tests.support.ingesting import (
    STORE,
    Recording,
    engine_with_store,
    ingestion_over,
    write_files,
)
from tests.support.scripted_engine import EMBEDDING_DIMENSION, EMBEDDING_MODEL, store_info

pytestmark = pytest.mark.requirement("reindex.beside")

OTHER = "scripted/other"
MODEL = ModelInfo(
    identifier=OTHER,
    provider_id="scripted",
    provider_resource_id="other",
    model_type="embedding",
    metadata={"embedding_dimension": EMBEDDING_DIMENSION},
)


@pytest.fixture
async def engine(tmp_path: Path) -> Recording:
    """An engine with two documents, and another embedding model."""
    engine, _ = engine_with_store()
    engine.model_list.append(MODEL)
    files: dict[str, str | bytes] = {
        "one.md": "# One\n\nThe port is 8080.\n",
        "two.md": "# Two\n\n" + "\n\n".join(f"Paragraph{n}. " * 40 for n in range(9)),
    }
    await take_in(ingestion_over(engine), write_files(tmp_path / "docs", files))
    engine.steps.clear()
    engine.embedded.clear()
    return engine


async def take_in(ingestion: Ingestion, folder: Path) -> Job:
    source = Folder(folder)
    new = NewJob(store_id=STORE, user_id="ann", kind=JobKind.INGEST, source=source.key)
    return await ingestion.take_in(await ingestion.jobs.add(new), source)


async def model_of(engine: Recording) -> str:
    (store,) = await engine.vector_stores()
    return store.embedding_model


async def test_the_store_serves_the_same_documents_with_vectors_of_the_other_model(
    engine: Recording,
) -> None:
    before = {each.document_id: each for each in await engine.documents(STORE)}
    progress = Progress()
    await reindex(engine, STORE, OTHER, progress)
    assert await model_of(engine) == OTHER
    assert {each.document_id: each for each in await engine.documents(STORE)} == before
    chunks = sum(each.chunks for each in before.values())
    assert len(engine.embedded) == chunks
    assert await engine.vector_stores(unfinished=True) == []
    assert progress.counts == Counts(
        files_total=2, files_done=2, chunks_total=chunks, chunks_embedded=chunks
    )


async def test_a_folder_that_was_taken_in_before_costs_nothing_afterwards(
    engine: Recording, tmp_path: Path
) -> None:
    await reindex(engine, STORE, OTHER, Progress())
    engine.embedded.clear()
    job = await take_in(ingestion_over(engine), tmp_path / "docs")
    assert job.counts.files_unchanged == 2
    assert engine.embedded == []


async def test_the_old_index_serves_alone_until_the_new_one_is_whole(engine: Recording) -> None:
    engine.gate = asyncio.Event()
    engine.embedding.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(reindex(engine, STORE, OTHER, Progress()))
        await engine.embedding.wait()
        assert await model_of(engine) == EMBEDDING_MODEL
        assert len(await engine.search(STORE, "8080", limit=9)) == 1
        engine.gate.set()
    assert await model_of(engine) == OTHER


async def test_what_an_interruption_leaves_is_gone_on_with(engine: Recording) -> None:
    engine.poison, engine.error = "Paragraph7", EngineUnavailable("gone")
    with pytest.raises(EngineUnavailable):
        await reindex(engine, STORE, OTHER, Progress())
    assert await model_of(engine) == EMBEDDING_MODEL
    (begun,) = await engine.vector_stores(unfinished=True)
    done = sum(each.chunks - each.pending for each in await engine.documents(begun.store_id))
    assert done > 0
    engine.poison = ""
    engine.embedded.clear()
    await reindex(engine, STORE, OTHER, Progress())
    chunks = sum(each.chunks for each in await engine.documents(STORE))
    assert len(engine.embedded) == chunks - done
    assert await model_of(engine) == OTHER


async def test_what_was_begun_for_another_model_is_removed(engine: Recording) -> None:
    engine.poison, engine.error = "Paragraph7", EngineUnavailable("gone")
    with pytest.raises(EngineUnavailable):
        await reindex(engine, STORE, OTHER, Progress())
    engine.poison = ""
    await reindex(engine, STORE, EMBEDDING_MODEL, Progress())
    assert await engine.vector_stores(unfinished=True) == []
    assert await model_of(engine) == EMBEDDING_MODEL


async def test_what_changes_meanwhile_is_in_the_new_index(engine: Recording) -> None:
    (old, *_) = await engine.documents(STORE)
    engine.gate = asyncio.Event()
    engine.embedding.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(reindex(engine, STORE, OTHER, Progress()))
        await engine.embedding.wait()
        document = replace(
            await engine.source_document(STORE, old.document_id), text="# New\n", content_hash="1"
        )
        chunks = [replace(chunk, vector=[1.0]) for chunk in chunk_document(document)]
        await engine.insert_document(STORE, document, chunks)
        engine.gate.set()
    assert (await engine.source_document(STORE, old.document_id)).text == "# New\n"
    assert await model_of(engine) == OTHER


async def test_what_the_new_model_would_read_in_part_is_cut_anew(engine: Recording) -> None:
    def count(text: str) -> int:
        return 2 * len(text.split())

    before = {each.document_id: each for each in await engine.documents(STORE)}
    engine.reach = EmbeddingReach(tokens=60, count=count)
    engine.poison, engine.error = "Paragraph7", EngineUnavailable("gone")
    with pytest.raises(EngineUnavailable):
        await reindex(engine, STORE, OTHER, Progress())
    engine.poison = ""
    await reindex(engine, STORE, OTHER, Progress())
    assert await model_of(engine) == OTHER
    for held in await engine.documents(STORE):
        document = await engine.source_document(STORE, held.document_id)
        chunks = await engine.document_chunks(STORE, held.document_id)
        assert all(count(embedding_text(document, chunk)) <= 60 for chunk in chunks)
        assert "".join(document.text.split()) == "".join(
            "".join(chunk.content for chunk in chunks).split()
        )
        older = before[held.document_id]
        assert (held.content_hash, held.pending) == (older.content_hash, 0)
        assert (held.chunks > older.chunks) == document.text.startswith("# Two")


async def test_an_unknown_model_or_store_changes_nothing(engine: Recording) -> None:
    with pytest.raises(NotFound):
        await reindex(engine, STORE, "scripted/unknown", Progress())
    with pytest.raises(NotFound):
        await reindex(engine, "unknown", OTHER, Progress())
    assert await model_of(engine) == EMBEDDING_MODEL


def test_the_configured_model_is_the_default() -> None:
    store = store_info(STORE)
    assert wanted_model(replace(store, wanted_model=OTHER), None) == OTHER
    assert wanted_model(replace(store, wanted_model=OTHER), "a/b") == "a/b"
    with pytest.raises(InvalidRequest, match="--embedding-model"):
        wanted_model(store, None)


async def test_a_reindex_is_a_job(engine: Recording) -> None:
    ingestion = ingestion_over(engine)
    new = NewJob(store_id=STORE, user_id="ann", kind=JobKind.REINDEX, source=OTHER)
    job = await ingestion.reindex(await ingestion.jobs.add(new), OTHER)
    assert (job.state, job.error) == (JobState.COMPLETED, None)
    assert await model_of(engine) == OTHER


async def test_a_store_that_is_being_built_has_a_name_that_no_other_has(engine: Recording) -> None:
    ingestion = ingestion_over(engine)
    with pytest.raises(InvalidRequest):
        await ingestion.store_named("x.being-reindexed")
    made = await engine.create_vector_store(NewVectorStore(name="plain", store_id="plain"))
    assert made in await engine.vector_stores()
