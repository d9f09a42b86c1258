"""What the unified sections describe boots in a real Llama Stack, and its stores find."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.app.settings import engine_settings
from lightspeed_core.config.load import load_configuration
from lightspeed_core.domain.retrieval import Chunk, SourceDocument
from lightspeed_core.engine.protocol import Engine
from lightspeed_core.engine.types import EmbeddingPurpose
from tests.support.engines import EMBEDDING_MODEL, ROOT, environment, started_engine
from tests.support.postgres import DATABASE, USER, Postgres

# What Llama Stack itself warns of while it is imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

PGVECTOR_EXAMPLE = ROOT / "docs" / "examples" / "lightspeed-stack-unified-pgvector.yaml"
SILENT = "http://127.0.0.1:9"
HEAD = """\
name: n
service: {}
llama_stack:
  use_as_library_client: true
  config:
    native_override:
      storage: {backends: {kv_plain: {type: kv_sqlite, db_path: "${env.LIGHTSPEED_DATA_DIR}/p.db"}}}
      registered_resources: {vector_stores: %s}
user_data_collection: {}
"""
PROVIDERS = f"""\
inference:
  providers:
    - {{type: openai, allowed_models: [gpt]}}
    - {{type: openai, id: sdk, extra: {{url: "{SILENT}/v1", refresh_models: false}}}}
    - {{type: ollama, extra: {{base_url: "{SILENT}/v1"}}}}
    - {{type: vllm, extra: {{base_url: "{SILENT}/v1"}}}}
    - {{type: vllm, id: gpu, extra: {{base_url: "{SILENT}/v1", max_tokens: 9}}}}
    - {{type: vllm_rhaiis, extra: {{base_url: "{SILENT}/v1"}}}}
    - {{type: vllm_rhel_ai, extra: {{base_url: "{SILENT}/v1"}}}}
    - {{type: azure, extra: {{base_url: "{SILENT}/openai/v1"}}}}
    - {{type: azure, id: versioned, extra: {{base_url: "{SILENT}/openai/v1", api_version: v1}}}}
    - {{type: watsonx, extra: {{base_url: "{SILENT}"}}}}
"""
STORES = """\
vector_store:
  default_provider: docs
  providers:
    - {type: faiss, id: docs, embedding_model: onnx/all-MiniLM-L6-v2, embedding_dimension: 384}
    - {type: faiss, id: plain, config: {persistence: {namespace: plain, backend: kv_plain}}}
    - {type: pgvector, id: pg}
"""
DOCUMENT = SourceDocument(
    document_id="birds", content_hash="1", text="The heron stands still.", title="Birds"
)


def store(provider: str) -> str:
    return (
        f"{{vector_store_id: of-{provider}, provider_id: {provider}, "
        "embedding_model: onnx/all-MiniLM-L6-v2, embedding_dimension: 384}"
    )


@asynccontextmanager
async def unified_engine(folder: Path, text: str, **variables: str) -> AsyncGenerator[Engine]:
    file = folder / "lightspeed-stack.yaml"
    file.write_text(text)
    named = {
        "LIGHTSPEED_DATA_DIR": str(folder / "data"),
        "LIGHTSPEED_STACK_SYNTHESIZED_CONFIG_PATH": str(folder / "built.yaml"),
    }
    with environment(**named, **variables):
        settings = engine_settings(load_configuration(file, named))
        async with started_engine(settings) as engine:
            yield engine


def reaching(postgres: Postgres) -> dict[str, str]:
    return {
        "POSTGRES_HOST": str(postgres.folder),
        "POSTGRES_DB": DATABASE,
        "POSTGRES_USER": USER,
        "POSTGRES_PASSWORD": "any",
    }


async def found_in(engine: Engine, store_id: str) -> list[str]:
    (vector,) = await engine.embed(
        [DOCUMENT.text], model=EMBEDDING_MODEL, purpose=EmbeddingPurpose.PASSAGE
    )
    chunk = Chunk(
        chunk_id="birds-0",
        document_id=DOCUMENT.document_id,
        content=DOCUMENT.text,
        start=0,
        end=len(DOCUMENT.text),
        vector=vector,
    )
    await engine.insert_document(store_id, DOCUMENT, [chunk])
    found = await engine.search(store_id, "Which bird stands still?", limit=1)
    return [each.content for each in found]


async def test_every_type_that_needs_no_further_package_boots(tmp_path: Path) -> None:
    text = HEAD % "[]" + PROVIDERS
    async with unified_engine(tmp_path, text, OPENAI_BASE_URL=f"{SILENT}/v1") as engine:
        providers = {each.provider_id: each.provider_type for each in await engine.providers()}
        models = [each.identifier for each in await engine.models()]

    lean = {"openai", "ollama", "vllm", "vllm_rhaiis", "vllm_rhel_ai", "azure"}
    own = {"sdk": "openai", "gpu": "vllm", "versioned": "azure", "watsonx": "watsonx"}
    expected: dict[str, Any] = dict.fromkeys(lean, "remote::openai_compatible")
    expected |= {name: f"remote::{kind}" for name, kind in own.items()}
    assert {name: providers.get(name) for name in expected} == expected
    assert models[0] == "openai/gpt"


async def test_stores_of_every_type_find_what_they_were_given(
    tmp_path: Path, postgres: Postgres
) -> None:
    stores = ", ".join(store(provider) for provider in ("docs", "plain", "pg"))
    text = HEAD % f"[{stores}]" + STORES
    async with unified_engine(tmp_path, text, **reaching(postgres)) as engine:
        listed = [each.store_id for each in await engine.vector_stores()]
        found = [await found_in(engine, store_id) for store_id in listed]

    assert listed == ["of-docs", "of-plain", "of-pg"]
    assert found == [[DOCUMENT.text]] * 3
    assert (tmp_path / "data" / "docs.db").is_file()


async def test_the_example_with_pgvector_boots_and_finds(
    tmp_path: Path, postgres: Postgres
) -> None:
    text = PGVECTOR_EXAMPLE.read_text()
    server = {**reaching(postgres), "VLLM_URL": f"{SILENT}/v1"}
    async with unified_engine(tmp_path, text, **server) as engine:
        assert await found_in(engine, "manuals") == [DOCUMENT.text]
