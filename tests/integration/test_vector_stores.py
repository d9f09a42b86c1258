"""Vector stores that are made at run time, among processes and over restarts."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose, NewVectorStore, SearchMode
from lightspeed_core.errors import Conflict, InvalidRequest, NotFound
from tests.support.engines import (
    EMBEDDING_MODEL,
    HYBRID_STORE,
    SHIPPED_RUN_YAML,
    environment,
    started_engine,
    wait_for,
)
from tests.support.postgres import DATABASE, USER, Postgres
from tests.support.store_process import store_process
from tests.unit.providers.onnx_embeddings.models import write_folder

OTHER_MODEL = "other/all-MiniLM-L6-v2"
pytestmark = pytest.mark.filterwarnings("ignore")


def run_yaml(folder: Path, *, providers: tuple[str, ...] = ("onnx",), model: str) -> Path:
    """Write the shipped file with providers of embeddings, and the store's model."""
    content: dict[str, Any] = yaml.safe_load(SHIPPED_RUN_YAML.read_text())
    inference = content["providers"]["inference"]
    (onnx,) = (each for each in inference if each["provider_id"] == "onnx")
    content["providers"]["inference"] = [
        {**onnx, "provider_id": provider_id} for provider_id in providers
    ]
    resources = content["registered_resources"]
    resources["models"] = [
        {**resources["models"][0], "provider_id": provider_id} for provider_id in providers
    ]
    resources["vector_stores"][0]["embedding_model"] = model
    content["vector_stores"]["default_embedding_model"]["provider_id"] = providers[0]
    path = folder / f"run-{'-'.join(providers)}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


async def insert(engine: Engine, store_id: str, name: str, text: str, model: str) -> None:
    (vector,) = await engine.embed([text], model=model, purpose=EmbeddingPurpose.PASSAGE)
    digest = hashlib.sha256(text.encode()).hexdigest()
    source = SourceDocument(document_id=name, text=text, content_hash=digest, title=name)
    chunk = Chunk(
        chunk_id=f"{name}-{digest[:8]}",
        document_id=name,
        content=text,
        start=0,
        end=len(text),
        vector=vector,
    )
    await engine.insert_document(store_id, source, [chunk], embedding_model=model)


async def texts(engine: Engine, store_id: str, query: str) -> list[str]:
    return [each.content for each in await engine.search(store_id, query, limit=9)]


@pytest.mark.requirement("stores.kept")
async def test_a_store_made_at_run_time_survives_a_restart(tmp_path: Path):
    settings = EngineSettings(
        run_config=run_yaml(tmp_path, model=EMBEDDING_MODEL), data_dir=tmp_path / "data"
    )
    async with started_engine(settings) as engine:
        made = await engine.create_vector_store(NewVectorStore(name="Kept"))
        await insert(engine, made.store_id, "d", "A kept heron", EMBEDDING_MODEL)
    async with started_engine(settings) as engine:
        stores = await engine.vector_stores()
        assert [each.store_id for each in stores] == [HYBRID_STORE, made.store_id]
        assert stores[1] == made
        assert await texts(engine, made.store_id, "heron") == ["A kept heron"]
        assert await engine.delete_vector_store(made.store_id)
    async with started_engine(settings) as engine:
        with pytest.raises(NotFound):
            await engine.search(made.store_id, "heron", limit=1)


@pytest.mark.requirement("stores.processes")
async def test_processes_see_the_stores_that_others_make_replace_and_remove(tmp_path: Path):
    file = run_yaml(tmp_path, model=EMBEDDING_MODEL)
    settings = EngineSettings(run_config=file, data_dir=tmp_path / "data")
    async with started_engine(settings) as engine, store_process(file, tmp_path / "data") as other:
        assert [each.store_id for each in await engine.vector_stores()] == [HYBRID_STORE]
        await other.do("create", "theirs")
        await other.do("insert", "theirs", "An old egret")
        assert await texts(engine, "theirs", "egret") == ["An old egret"]

        await other.do("create", "next")
        await other.do("insert", "next", "A new egret")
        await other.do("replace", "theirs", "next")
        assert await texts(engine, "theirs", "egret") == ["A new egret"]

        async def is_alone() -> bool:
            listed = [each.store_id for each in await engine.vector_stores()]
            return listed == [HYBRID_STORE]

        await other.do("delete", "theirs")
        with pytest.raises(NotFound):
            await engine.search("theirs", "egret", limit=1)
        await wait_for(is_alone)
        await engine.create_vector_store(NewVectorStore(name="ours", store_id="ours"))
        await other.do("insert", "ours", "Our egret")
        assert await texts(engine, "ours", "egret") == ["Our egret"]


def with_databases(file: Path, postgres: Postgres) -> Path:
    """Add Llama Stack's own kinds of stores to a run.yaml, and ours in PostgreSQL."""
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    place = {"host": str(postgres.folder), "db": DATABASE, "user": USER, "password": "any"}
    content["providers"]["vector_io"] += [
        {
            "provider_id": "faiss",
            "provider_type": "inline::faiss",
            "config": {"persistence": {"namespace": "faiss", "backend": "kv_default"}},
        },
        {
            "provider_id": "pgvector",
            "provider_type": "remote::pgvector",
            "config": {**place, "persistence": {"namespace": "pg", "backend": "kv_default"}},
        },
        {
            "provider_id": "pgvector_async",
            "provider_type": "remote::pgvector_async",
            "module": "lightspeed_stack_providers.pgvector_async",
            "config": {**place, "namespace": f"vectors-{uuid4().hex}", "mark_queries": True},
        },
    ]
    path = file.with_name("run-databases.yaml")
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.mark.requirement("stores.kinds")
async def test_every_kind_of_store_that_a_run_yaml_may_name_works(
    tmp_path: Path, postgres: Postgres
):
    file = with_databases(run_yaml(tmp_path, model=EMBEDDING_MODEL), postgres)
    settings = EngineSettings(run_config=file, data_dir=tmp_path / "data")
    async with started_engine(settings) as engine:
        for kind in ("faiss", "pgvector", "pgvector_async"):
            new = NewVectorStore(name=kind, provider_id=kind)
            made = await engine.create_vector_store(new)
            await insert(engine, made.store_id, "d", "An old heron", EMBEDDING_MODEL)
            await insert(engine, made.store_id, "d", "A new heron", EMBEDDING_MODEL)
            await insert(engine, made.store_id, "e", "A grey stone", EMBEDDING_MODEL)
            for mode in made.modes:
                found = await engine.search(made.store_id, "heron", limit=1, mode=mode)
                assert [each.content for each in found] == ["A new heron"], (kind, mode)
                assert 0 <= (found[0].score or 0) <= 1
            held = {each.document_id for each in await engine.documents(made.store_id)}
            assert held == {"d", "e"}
            await engine.delete_document(made.store_id, "d")
            assert "A new heron" not in await texts(engine, made.store_id, "heron")
        kept = await engine.create_vector_store(
            NewVectorStore(name="kept", store_id="kept", provider_id="pgvector_async")
        )
        assert kept.takes_pending_chunks
        await insert(engine, "kept", "d", "A kept heron", EMBEDDING_MODEL)
        (chunk,) = await engine.document_chunks("kept", "d")
        assert len(chunk.vector or ()) == 384
    async with started_engine(settings) as engine:
        assert kept in await engine.vector_stores()
        assert await texts(engine, "kept", "heron") == ["A kept heron"]


@pytest.mark.attack(77)
@pytest.mark.requirement("stores.one-model")
async def test_another_configured_model_changes_nothing_until_the_documents_are_indexed_anew(
    tmp_path: Path,
):
    data = tmp_path / "data"
    first = run_yaml(tmp_path, model=EMBEDDING_MODEL)
    async with started_engine(EngineSettings(run_config=first, data_dir=data)) as engine:
        await insert(engine, HYBRID_STORE, "d", "A patient stork", EMBEDDING_MODEL)

    both = run_yaml(tmp_path, providers=("onnx", "other"), model=OTHER_MODEL)
    async with started_engine(EngineSettings(run_config=both, data_dir=data)) as engine:
        (info,) = await engine.vector_stores()
        assert (info.embedding_model, info.wanted_model) == (EMBEDDING_MODEL, OTHER_MODEL)
        assert await texts(engine, HYBRID_STORE, "stork") == ["A patient stork"]
        with pytest.raises(InvalidRequest, match="index its documents anew"):
            await insert(engine, HYBRID_STORE, "e", "A hasty stork", OTHER_MODEL)
        new = NewVectorStore(name="anew", store_id="anew", embedding_model=OTHER_MODEL)
        await engine.create_vector_store(new)
        await insert(engine, "anew", "d", "A patient stork", OTHER_MODEL)
        await engine.replace_vector_store(HYBRID_STORE, by="anew")
        (info,) = await engine.vector_stores()
        assert (info.embedding_model, info.wanted_model) == (OTHER_MODEL, None)

    async with started_engine(EngineSettings(run_config=first, data_dir=data)) as engine:
        with pytest.raises(Conflict, match=r"filled with the model 'other/.*documents anew"):
            await texts(engine, HYBRID_STORE, "stork")
        found = await engine.search(HYBRID_STORE, "stork", limit=1, mode=SearchMode.KEYWORD)
        assert [each.content for each in found] == ["A patient stork"]


@pytest.mark.requirement("stores.another-model")
async def test_a_folder_with_another_model_is_one_setting(tmp_path: Path):
    folder = write_folder(
        tmp_path / "multilingual-small", query_prefix="query: ", passage_prefix="passage: "
    )
    settings = EngineSettings(
        run_config=SHIPPED_RUN_YAML, data_dir=tmp_path / "data", embedding_folder=folder
    )
    with environment(
        LIGHTSPEED_DATA_DIR=str(tmp_path / "data"),
        LIGHTSPEED_STACK_SYNTHESIZED_CONFIG_PATH=str(tmp_path / "built.yaml"),
    ):
        await assert_folder_serves(settings)


async def assert_folder_serves(settings: EngineSettings) -> None:
    async with started_engine(settings) as engine:
        (info,) = await engine.vector_stores()
        assert info.embedding_model == "embeddings/multilingual-small"
        made = await engine.create_vector_store(NewVectorStore(name="made"))
        assert made.embedding_model == info.embedding_model
        await insert(engine, HYBRID_STORE, "d", "Ein geduldiger Storch", info.embedding_model)
        found = await engine.search(HYBRID_STORE, "Storch", limit=1, mode=SearchMode.VECTOR)
        assert [each.content for each in found] == ["Ein geduldiger Storch"]
        (plain, prefixed) = [
            await engine.embed(["query: x", "x"], model=info.embedding_model, purpose=purpose)
            for purpose in (EmbeddingPurpose.PASSAGE, EmbeddingPurpose.QUERY)
        ]
        assert prefixed[1] != pytest.approx(plain[1], abs=1e-3)


@pytest.mark.requirement("vector-stores.made")
async def test_a_dimension_is_taken_that_the_model_makes_and_no_other(tmp_path: Path):
    file = run_yaml(tmp_path, model=EMBEDDING_MODEL)
    async with started_engine(EngineSettings(run_config=file, data_dir=tmp_path / "d")) as engine:
        for model in (None, EMBEDDING_MODEL):
            new = NewVectorStore(name="new", embedding_model=model, embedding_dimension=384)
            assert (await engine.create_vector_store(new)).embedding_dimension == 384
            wrong = replace(new, embedding_dimension=5)
            with pytest.raises(InvalidRequest, match="makes vectors of dimension 384, not 5"):
                await engine.create_vector_store(wrong)
        assert len(await engine.vector_stores()) == 3
