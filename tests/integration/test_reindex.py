"""A store gets vectors of another length while it is searched, in the kinds that keep documents."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from lightspeed_core.domain.retrieval import PageSpan, SourceDocument, SourceFile
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import NewVectorStore, SearchMode
from lightspeed_core.ingest.documents import DocumentWriter
from lightspeed_core.ingest.progress import Progress
from lightspeed_core.ingest.reindex import reindex
from tests.support.engines import SHIPPED_RUN_YAML, started_engine, wait_for
from tests.support.onnx_model import write_model
from tests.support.store_process import store_process
from tests.support.vector_store_kinds import KINDS, pgvector_config

STORE = "manuals"
SMALL, LARGE = "small/small", "large/large"
pytestmark = [
    pytest.mark.requirement("reindex.beside"),
    # What Llama Stack itself warns of while it is imported is not ours to mend.
    pytest.mark.filterwarnings("ignore"),
]


def run_yaml(folder: Path, kind: str, request: pytest.FixtureRequest) -> Path:
    """Write a file with one provider of stores and two models whose vectors differ in length."""
    content: dict[str, Any] = yaml.safe_load(SHIPPED_RUN_YAML.read_text())
    (onnx,) = (each for each in content["providers"]["inference"] if each["provider_id"] == "onnx")
    resources = content["registered_resources"]
    model = resources["models"][0]
    dimensions = {"small": 24, "large": 40}
    content["providers"]["inference"] = [
        {
            **onnx,
            "provider_id": name,
            "config": {"model_dir": str(write_model(folder / name, dimension))},
        }
        for name, dimension in dimensions.items()
    ]
    resources["models"] = [
        {
            **model,
            "model_id": name,
            "provider_id": name,
            "provider_model_id": name,
            "metadata": {"embedding_dimension": dimension},
        }
        for name, dimension in dimensions.items()
    ]
    if kind == "pgvector_async":
        server = request.getfixturevalue("postgres")
        content["providers"]["vector_io"] = [
            {
                "provider_id": kind,
                "provider_type": "remote::pgvector_async",
                "module": "lightspeed_stack_providers.pgvector_async",
                "config": pgvector_config(server, f"vectors-{uuid4().hex}"),
            }
        ]
    resources["vector_stores"] = []
    content["vector_stores"] = {
        "default_provider_id": kind,
        "default_embedding_model": {"provider_id": "small", "model_id": "small"},
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> EngineSettings:
    file = run_yaml(tmp_path, str(request.param), request)
    return EngineSettings(run_config=file, data_dir=tmp_path / "data")


def report(number: int) -> SourceDocument:
    """A German report of two pages, which came from a file."""
    first = f"# Bericht {number}\n\n" + "Der Reiher steht im Wasser. " * 12 + "\n\n"
    second = "## Befund\n\n" + f"Anlage {number} ist in Ordnung. " * 12
    return SourceDocument(
        document_id=f"report-{number}",
        text=first + second,
        content_hash=f"hash-{number}",
        title=f"Bericht {number}",
        url=f"https://docs.example.com/{number}.pdf",
        source="reports",
        media_type="application/pdf",
        language="de",
        pages=(PageSpan(1, 0, len(first)), PageSpan(2, len(first), len(first + second))),
        file=SourceFile(path=f"/reports/{number}.pdf", size=7, modified_ns=3, digest="ab"),
    )


async def fill(engine: Engine, documents: Sequence[SourceDocument]) -> None:
    new = NewVectorStore(name=STORE, store_id=STORE, embedding_model=SMALL)
    writer = DocumentWriter(engine, await engine.create_vector_store(new), {})
    for document in documents:
        draft = await writer.draft(document)
        assert draft is not None
        await writer.store_vectors(draft, lambda _: None)


async def found(engine: Engine, mode: SearchMode) -> set[tuple[object, ...]]:
    """Find everything, with what a citation says of it."""
    chunks = await engine.search(STORE, "Reiher Anlage", limit=500, mode=mode)
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    return {
        (chunk.chunk_id, chunk.content, chunk.start, chunk.page, chunk.url, chunk.origin)
        for chunk in chunks
    }


async def models(engine: Engine) -> list[str]:
    return [store.embedding_model for store in await engine.vector_stores()]


async def test_a_search_finds_everything_all_the_time_and_pages_and_languages_stay(
    settings: EngineSettings,
) -> None:
    documents = [report(number) for number in range(12)]
    async with started_engine(settings) as engine:
        await fill(engine, documents)
        before = await found(engine, SearchMode.VECTOR)
        assert {row[3] for row in before} == {1, 2}
        searches = 0
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            running = group.create_task(reindex(engine, STORE, LARGE, Progress()))
            while not running.done():
                for mode in SearchMode:
                    assert await found(engine, mode) == before
                    searches += 1
        assert searches > len(SearchMode)
        assert await models(engine) == [LARGE]
        for mode in SearchMode:
            assert await found(engine, mode) == before
        for document in documents:
            assert await engine.source_document(STORE, document.document_id) == document
        # By German stems alone is the plural the same word.
        assert await engine.search(STORE, "Anlagen", limit=1, mode=SearchMode.KEYWORD)


async def test_a_crash_leaves_the_old_index_and_the_next_run_goes_on(
    settings: EngineSettings,
) -> None:
    documents = [report(number) for number in range(60)]
    assert settings.run_config is not None
    async with started_engine(settings) as engine:
        await fill(engine, documents)
        before = await found(engine, SearchMode.VECTOR)

        async def is_under_way() -> bool:
            begun = await engine.vector_stores(unfinished=True)
            return bool(begun) and len(await engine.documents(begun[0].store_id)) > 5

        async with store_process(settings.run_config, settings.data_dir) as other:
            await other.begin("reindex", STORE, LARGE)
            await wait_for(is_under_way)
        assert await models(engine) == [SMALL]
        assert await found(engine, SearchMode.VECTOR) == before
        (begun,) = await engine.vector_stores(unfinished=True)
        copied = [each for each in await engine.documents(begun.store_id) if not each.pending]
        progress = Progress()
        await reindex(engine, STORE, LARGE, progress)
        assert progress.counts.files_unchanged == len(copied)
        assert await models(engine) == [LARGE]
        assert await engine.vector_stores(unfinished=True) == []
        assert await found(engine, SearchMode.VECTOR) == before
