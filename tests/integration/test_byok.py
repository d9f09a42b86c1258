"""Stores of the configuration join a real Llama Stack of every kind, and their roles hold."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightspeed_core.app.settings import assistant_settings, engine_settings
from lightspeed_core.assistant.retrieval import retrieve
from lightspeed_core.assistant.sources import Sources
from lightspeed_core.config.load import load_configuration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.errors import ConfigurationError, NotFound
from tests.support.engines import PLAIN_STORE, environment, started_engine, write_run_yaml
from tests.support.onnx_model import write_model
from tests.support.own_stores import TEXTS, fill_store
from tests.support.postgres import DATABASE, USER, Postgres

# What Llama Stack itself warns of while it is imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

MODEL = "sentence-transformers/all-mpnet-base-v2"
SILENT = "http://127.0.0.1:9/v1"
NAMES = ("hybrid-kb", "plain-kb", "postgres-kb")
FILE = """\
name: n
service: {}
llama_stack: {use_as_library_client: true, library_client_config_path: "$FOLDER/run.yaml"}
user_data_collection: {}
byok_rag:
- {rag_id: plain-kb, vector_db_id: plain-docs, db_path: "$FOLDER/run.yaml"}
rag:
  byok:
    max_chunks: 4
    stores:
    - rag_id: hybrid-kb
      vector_db_id: vs_hybrid
      db_path: "$FOLDER/hybrid.db"
      score_multiplier: 2
    - rag_id: postgres-kb
      vector_db_id: vs_postgres
      backend: pgvector
      embedding_model: onnx/all-MiniLM-L6-v2
      embedding_dimension: 384
      host: "$HOST"
      db: "$DATABASE"
      user: "$USER"
      password: any
  access: {hybrid-kb: [ops], vs_postgres: [ops, dev], plain-kb: [dev]}
"""


@dataclass(frozen=True)
class Stores:
    """A running engine, and the stores as callers may see them."""

    engine: Engine
    sources: Sources


@asynccontextmanager
async def opened(folder: Path, postgres: Postgres, text: str = FILE) -> AsyncGenerator[Stores]:
    replaced = {
        "$FOLDER": str(folder),
        "$HOST": str(postgres.folder),
        "$DATABASE": DATABASE,
        "$USER": USER,
    }
    for name, value in replaced.items():
        text = text.replace(name, value)
    file = folder / "lightspeed-stack.yaml"
    file.write_text(text)
    variables = {
        "LIGHTSPEED_DATA_DIR": str(folder / "data"),
        "LIGHTSPEED_STACK_SYNTHESIZED_CONFIG_PATH": str(folder / "built.yaml"),
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": SILENT,
        "OPENAI_MODEL": "fake-llm",
    }
    with environment(**variables):
        configuration = load_configuration(file, variables)
        async with started_engine(engine_settings(configuration)) as engine:
            yield Stores(engine, Sources(engine, assistant_settings(configuration).sources))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run.yaml with a store of the stack's own faiss, a model, and a file for a store."""
    write_run_yaml(tmp_path)
    write_model(tmp_path / "data" / "models" / MODEL, dimension=768)
    (tmp_path / "hybrid.db").touch()
    return tmp_path


def someone(*roles: str) -> Identity:
    return Identity(user_id="ann", username="Ann", roles=frozenset(roles))


@pytest.mark.attack(24)
@pytest.mark.requirement("byok.stores")
@pytest.mark.requirement("byok.pgvector")
@pytest.mark.requirement("access.stores")
async def test_stores_of_every_kind_join_a_run_yaml_and_are_read_by_their_roles(
    folder: Path, postgres: Postgres
) -> None:
    async with opened(folder, postgres) as stores:
        known = {each.name: each for each in await stores.sources.readable(someone("ops", "dev"))}
        assert set(known) == {"product-docs", *NAMES}
        for name in NAMES:
            await fill_store(stores.engine, known[name].store_id, word=name)

        found = await retrieve(
            stores.engine,
            TEXTS[0],
            [known[name] for name in NAMES],
            max_chunks=9,
            byok_chunks=4,
        )
        seen = {
            role: [each.name for each in await stores.sources.readable(someone(role))]
            for role in ("ops", "dev", "guest")
        }
        chunks = {
            role: (await retrieve(stores.engine, TEXTS[0], readable, max_chunks=20)).chunks
            for role in ("ops", "dev", "guest")
            if (readable := await stores.sources.readable(someone(role)))
        }
        with pytest.raises(NotFound):
            await stores.sources.get("hybrid-kb", someone("dev"))

    assert len(found.chunks) == 4
    # The best of a hybrid search has the score 1, times the store's multiplier.
    best = found.chunks[0]
    assert (best.source, best.content, best.score) == ("hybrid-kb", f"hybrid-kb {TEXTS[0]}", 2.0)
    assert {chunk.source for chunk in found.chunks} <= set(NAMES)
    assert seen == {
        "ops": ["product-docs", "hybrid-kb", "postgres-kb"],
        "dev": ["product-docs", "plain-kb", "postgres-kb"],
        "guest": ["product-docs"],
    }
    assert {chunk.source for chunk in chunks["ops"]} == {"hybrid-kb", "postgres-kb"}
    assert {chunk.source for chunk in chunks["dev"]} == {"plain-kb", "postgres-kb"}
    assert chunks["guest"] == ()


@pytest.mark.requirement("byok.stores")
@pytest.mark.requirement("byok.embedding-model")
async def test_what_was_filled_is_found_by_meaning_after_a_restart(
    folder: Path, postgres: Postgres
) -> None:
    async with opened(folder, postgres) as stores:
        await fill_store(stores.engine, "vs_hybrid", word="kept")

    async with opened(folder, postgres) as stores:
        listed = [each.store_id for each in await stores.engine.vector_stores()]
        found = await stores.engine.search("vs_hybrid", TEXTS[1], limit=1)

    assert listed == ["product-docs", PLAIN_STORE, "vs_hybrid", "vs_postgres"]
    assert found[0].content == f"kept {TEXTS[1]}"
    assert "password: any" not in (folder / "built.yaml").read_text()


@pytest.mark.requirement("byok.embedding-model")
async def test_a_start_without_the_embedding_model_names_the_store_and_the_folder(
    folder: Path, postgres: Postgres
) -> None:
    (folder / "data" / "models").rename(folder / "data" / "elsewhere")

    with pytest.raises(ConfigurationError) as refused:
        async with opened(folder, postgres):
            pass

    assert "rag.byok.stores[0].embedding_model" in refused.value.cause
    assert str(folder / "data" / "models" / MODEL) in refused.value.cause
