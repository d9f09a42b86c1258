"""Stores of the service's own file join those of a run configuration, or are refused."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.rag import RagBackend
from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.engine.llama_stack.run_config import read_run_config
from lightspeed_core.engine.llama_stack.settings import EngineSettings, OwnStore, OwnStores
from lightspeed_core.engine.llama_stack.unified.own_stores import (
    add_own_stores,
    hand_over_passwords,
    imported_file,
    is_ours,
)
from lightspeed_core.engine.llama_stack.unified.synthesis import build_run_config
from lightspeed_core.errors import ConfigurationError
from lightspeed_stack_providers.faiss_hybrid.config import FaissHybridConfig
from lightspeed_stack_providers.faiss_hybrid.file import StoreFile
from lightspeed_stack_providers.faiss_hybrid.stores import list_all

MPNET = "sentence-transformers/all-mpnet-base-v2"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
SHIPPED: dict[str, Any] = dict(read_run_config(shipped_file("run.yaml")).content)


@pytest.fixture
async def ours(tmp_path: Path) -> Path:
    """A file of the hybrid store."""
    file = StoreFile(FaissHybridConfig(db_path=tmp_path / "ocp.db").db_path)
    await file.read(list_all)
    await file.close()
    return tmp_path / "ocp.db"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """The beginning of a file of the stack's faiss provider."""
    path = tmp_path / "ocp.faiss"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kvstore (key TEXT PRIMARY KEY, value TEXT)")
    connection.close()
    return path


def store(path: Path | None, **settings: Any) -> OwnStore:
    known: dict[str, Any] = {
        "place": "rag.byok.stores[0]",
        "name": "ocp-docs",
        "store_id": "vs_ocp",
        "backend": RagBackend.FAISS,
        "embedding_model": MINILM,
        "embedding_dimension": 384,
        "db_path": path,
    }
    return OwnStore(**{**known, **settings})


def model_folder(folder: Path, dimension: int = 768) -> Path:
    folder.mkdir(parents=True)
    spec = {"dimension": dimension, "max_length": 384, "pooling": "mean"}
    (folder / "embedding.json").write_text(json.dumps(spec))
    return folder


def joined(
    *stores: OwnStore,
    data_dir: Path,
    tree: Mapping[str, Any] = SHIPPED,
    folders: Mapping[str, str] | None = None,
    **environ: str,
) -> dict[str, Any]:
    own = OwnStores(stores=stores, folders=folders or {})
    built = add_own_stores(dict(tree), own, data_dir, environ)
    # What a start would write passes the checks of a file that an operator wrote.
    file = data_dir / "run.yaml"
    file.write_text(yaml.safe_dump(built))
    read_run_config(file)
    return built


def added(tree: Mapping[str, Any], api: str) -> list[Any]:
    return tree["providers"][api][len(SHIPPED["providers"].get(api) or ()) :]


def registered(tree: Mapping[str, Any]) -> list[Any]:
    return tree["registered_resources"]["vector_stores"][1:]


@pytest.mark.requirement("byok.stores")
async def test_a_file_of_ours_becomes_a_provider_and_a_store(ours: Path, tmp_path: Path) -> None:
    tree = joined(store(ours), data_dir=tmp_path)

    assert added(tree, "vector_io") == [
        {
            "provider_id": "byok_ocp-docs",
            "provider_type": "inline::faiss_hybrid",
            "module": "lightspeed_stack_providers.faiss_hybrid",
            "config": {"db_path": str(ours), "mark_queries": True},
        }
    ]
    assert registered(tree) == [
        {
            "vector_store_id": "vs_ocp",
            "vector_store_name": "ocp-docs",
            "provider_id": "byok_ocp-docs",
            "embedding_model": "onnx/all-MiniLM-L6-v2",
            "embedding_dimension": 384,
        }
    ]
    assert added(tree, "inference") == []
    assert tree["registered_resources"]["vector_stores"][0]["vector_store_id"] == "product-docs"


@pytest.mark.requirement("byok.stores")
def test_a_store_that_the_run_configuration_registers_is_left_as_it_is_there(
    tmp_path: Path,
) -> None:
    tree = joined(store(tmp_path / "missing", store_id="product-docs"), data_dir=tmp_path)

    assert tree == SHIPPED


@pytest.mark.requirement("byok.pgvector")
def test_a_store_of_pgvector_gets_what_is_set_and_the_environment_for_the_rest(
    tmp_path: Path,
) -> None:
    postgres = {"host": "db", "port": None, "db": "kb", "user": None, "password": "s3cret"}
    own = store(None, backend=RagBackend.PGVECTOR, postgres=postgres)

    tree = joined(own, data_dir=tmp_path, POSTGRES_USER="ls")

    (entry,) = added(tree, "vector_io")
    config = entry["config"]
    assert (entry["provider_type"], config["host"], config["db"]) == (
        "remote::pgvector",
        "db",
        "kb",
    )
    assert config["port"] == "${env.POSTGRES_PORT:=5432}"
    assert config["user"] == "${env.POSTGRES_USER}"
    assert config["persistence"]["backend"] in tree["storage"]["backends"]
    assert "s3cret" not in (tmp_path / "run.yaml").read_text()
    environ: dict[str, str] = {}
    hand_over_passwords(OwnStores(stores=(own,)), environ)
    assert config["password"] in {f"${{env.{name}}}" for name in environ}
    assert list(environ.values()) == ["s3cret"]


def test_what_pgvector_lacks_is_told_with_its_variable(tmp_path: Path) -> None:
    own = store(None, backend=RagBackend.PGVECTOR, postgres={"db": "kb", "user": None})

    with pytest.raises(ConfigurationError, match=r"stores\[0\]: .* needs user, .*POSTGRES_USER"):
        joined(own, data_dir=tmp_path)


@pytest.mark.requirement("byok.foreign")
def test_a_file_of_another_program_is_refused_with_the_command_that_imports_it(
    foreign: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        joined(store(foreign), data_dir=tmp_path)

    assert f"lightspeed-stack import {foreign} --store ocp-docs" in str(refused.value)
    assert "rag.byok.stores[0].db_path" in str(refused.value)


@pytest.mark.requirement("byok.foreign")
def test_what_was_imported_serves_in_the_place_of_the_foreign_file(
    foreign: Path, tmp_path: Path
) -> None:
    imported = imported_file(tmp_path, "ocp-docs")
    imported.parent.mkdir()
    imported.write_bytes(b"")

    (entry,) = added(joined(store(foreign), data_dir=tmp_path), "vector_io")

    assert entry["config"]["db_path"] == str(imported)
    assert not is_ours(foreign)


def test_a_file_that_is_no_store_is_told_apart_from_a_foreign_one(tmp_path: Path) -> None:
    (tmp_path / "ocp.faiss").write_text("x")

    with pytest.raises(ConfigurationError, match="is no vector store"):
        joined(store(tmp_path / "ocp.faiss"), data_dir=tmp_path)


def test_an_empty_file_will_be_a_store_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.touch()

    (entry,) = added(joined(store(path), data_dir=tmp_path), "vector_io")

    assert entry["config"]["db_path"] == str(path)


def test_a_type_that_only_a_run_configuration_can_serve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"when run\.yaml registers 'vs_ocp'"):
        joined(store(tmp_path, backend=None), data_dir=tmp_path)


@pytest.mark.requirement("byok.embedding-model")
async def test_a_missing_embedding_model_is_refused_naming_the_folder_that_would_serve(
    ours: Path, tmp_path: Path
) -> None:
    own = store(ours, embedding_model=MPNET, embedding_dimension=768)

    with pytest.raises(ConfigurationError) as refused:
        joined(own, data_dir=tmp_path)

    text = str(refused.value)
    assert f"rag.byok.stores[0].embedding_model: no provider has '{MPNET}'" in text
    assert str(tmp_path / "models" / MPNET) in text
    assert "rag.embedding_folders" in text


@pytest.mark.requirement("byok.embedding-model")
@pytest.mark.parametrize("is_named", [True, False])
async def test_a_folder_with_the_model_serves_it(
    ours: Path, tmp_path: Path, *, is_named: bool
) -> None:
    folder = model_folder(tmp_path / "mpnet" if is_named else tmp_path / "models" / MPNET)
    folders = {MPNET: str(folder)} if is_named else {}
    own = store(ours, embedding_model=MPNET, embedding_dimension=768)

    tree = joined(own, data_dir=tmp_path, folders=folders)

    (entry,) = added(tree, "inference")
    assert entry["provider_type"] == "inline::onnx_embeddings"
    assert entry["config"] == {"model_dir": str(folder), "model_name": "all-mpnet-base-v2"}
    (store_,) = registered(tree)
    assert store_["embedding_model"] == "byok_all-mpnet-base-v2/all-mpnet-base-v2"
    model = tree["registered_resources"]["models"][-1]
    assert (model["provider_id"], model["metadata"]) == (
        "byok_all-mpnet-base-v2",
        {"embedding_dimension": 768},
    )


async def test_two_stores_of_one_model_share_its_provider(ours: Path, tmp_path: Path) -> None:
    model_folder(tmp_path / "models" / MPNET)
    own = store(ours, embedding_model=MPNET, embedding_dimension=768)
    other = replace(own, name="other", store_id="vs_other")

    tree = joined(own, other, data_dir=tmp_path)

    assert len(added(tree, "inference")) == 1
    assert len(tree["registered_resources"]["models"]) == 2


async def test_a_model_of_a_provider_that_is_on_is_used_as_it_is(
    ours: Path, tmp_path: Path
) -> None:
    own = store(ours, embedding_model="openai/text-embedding-3-small", embedding_dimension=1536)

    tree = joined(own, data_dir=tmp_path, OPENAI_API_KEY="k")

    assert registered(tree)[0]["embedding_model"] == "openai/text-embedding-3-small"
    assert added(tree, "vector_io")[0]["config"] == {"db_path": str(ours)}
    with pytest.raises(ConfigurationError, match="no provider has 'openai/text-embedding-3-small'"):
        joined(own, data_dir=tmp_path)


async def test_vectors_of_another_length_than_the_models_are_refused(
    ours: Path, tmp_path: Path
) -> None:
    model_folder(tmp_path / "models" / MPNET, dimension=384)
    own = store(ours, embedding_model=MPNET, embedding_dimension=768)

    with pytest.raises(
        ConfigurationError, match=r"the store has 768, and the model in .* gives 384"
    ):
        joined(own, data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="all-MiniLM-L6-v2 gives 384"):
        joined(store(ours, embedding_dimension=768), data_dir=tmp_path)


@pytest.mark.parametrize("content", [None, "[]", "{}", '{"dimension": "x"}', "nonsense"])
async def test_a_folder_that_is_none_of_a_model_is_refused(
    ours: Path, tmp_path: Path, content: str | None
) -> None:
    folder = tmp_path / "models" / MPNET
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "embedding.json").write_text(content)

    with pytest.raises(ConfigurationError, match=r"embedding\.json .*onnx_embeddings\.md"):
        joined(store(ours, embedding_model=MPNET), data_dir=tmp_path)


async def test_without_a_provider_of_its_own_the_embedded_model_gets_one(
    ours: Path, tmp_path: Path
) -> None:
    bare = {**SHIPPED, "providers": {"vector_io": SHIPPED["providers"]["vector_io"]}}

    tree = joined(store(ours), data_dir=tmp_path, tree=bare)

    (entry,) = tree["providers"]["inference"]
    assert (entry["provider_type"], entry["config"]) == ("inline::onnx_embeddings", {})


@pytest.mark.attack(33)
async def test_a_name_is_a_key_and_never_a_path(ours: Path, tmp_path: Path) -> None:
    tree = joined(
        store(ours, name="../../x"), store(ours, name="a b", store_id="v"), data_dir=tmp_path
    )

    first, second = (entry["provider_id"] for entry in added(tree, "vector_io"))
    assert first.startswith("byok_______x-")
    assert second.startswith("byok_a_b-")
    assert imported_file(tmp_path, "../../x").parent == tmp_path / "imported"
    with pytest.raises(ConfigurationError, match="no provider has"):
        joined(store(ours, embedding_model="../.."), data_dir=tmp_path)


async def test_a_run_yaml_of_ones_own_is_extended_and_left_alone(
    ours: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(SHIPPED))
    settings = EngineSettings(run_config=file, data_dir=tmp_path)
    before = file.read_text()

    assert build_run_config(settings, {}) is None
    extended = build_run_config(replace(settings, own_stores=OwnStores(stores=(store(ours),))), {})

    assert extended is not None
    assert [each["vector_store_id"] for each in registered(extended)] == ["vs_ocp"]
    assert file.read_text() == before
