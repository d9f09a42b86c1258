"""A folder with another embedding model takes the place of the default one, and of nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.llama_stack import UnifiedLlamaStackConfiguration
from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.config.vector_store import VectorStoreConfiguration
from lightspeed_core.engine.llama_stack.run_config import read_run_config
from lightspeed_core.engine.llama_stack.settings import EngineSettings, RunConfigSections
from lightspeed_core.engine.llama_stack.unified.synthesis import build_run_config
from lightspeed_core.errors import ConfigurationError

SHIPPED = shipped_file("run.yaml")
MODEL = "embeddings/multilingual-small"
FORMER = "onnx/all-MiniLM-L6-v2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "multilingual-small"
    folder.mkdir()
    spec = {"dimension": 768, "max_length": 512, "pooling": "mean", "query_prefix": "query: "}
    (folder / "embedding.json").write_text(json.dumps(spec))
    return folder


def built(folder: Path, content: dict[str, Any] | None = None, **environ: str) -> dict[str, Any]:
    run_config = SHIPPED
    if content is not None:
        run_config = folder.parent / "run.yaml"
        run_config.write_text(yaml.safe_dump(content))
    settings = EngineSettings(
        run_config=run_config, data_dir=folder.parent, embedding_folder=folder
    )
    tree = build_run_config(settings, environ)
    assert tree is not None
    return accepted(folder, tree)


def accepted(folder: Path, tree: dict[str, Any]) -> dict[str, Any]:
    """Hold a tree against the checks of a run.yaml that an operator wrote."""
    file = folder.parent / "accepted.yaml"
    file.write_text(yaml.safe_dump(tree))
    read_run_config(file)
    return tree


def shipped() -> dict[str, Any]:
    return yaml.safe_load(SHIPPED.read_text())


@pytest.mark.requirement("stores.another-model")
def test_the_shipped_stores_get_the_model_of_the_folder(folder: Path) -> None:
    tree = built(folder)

    assert tree["providers"]["inference"][-1] == {
        "provider_id": "embeddings",
        "provider_type": "inline::onnx_embeddings",
        "module": "lightspeed_stack_providers.onnx_embeddings",
        "config": {"model_dir": str(folder), "model_name": "multilingual-small"},
    }
    resources = tree["registered_resources"]
    assert [store["embedding_model"] for store in resources["vector_stores"]] == [MODEL]
    assert resources["vector_stores"][0]["embedding_dimension"] == 768
    assert tree["vector_stores"]["default_embedding_model"] == {
        "provider_id": "embeddings",
        "model_id": "multilingual-small",
    }
    assert tree["vector_stores"]["default_provider_id"] == "faiss_hybrid"
    # A store that was filled goes on with its model.
    assert [model["model_id"] for model in resources["models"]] == [
        "all-MiniLM-L6-v2",
        "multilingual-small",
    ]


def test_a_store_with_a_model_of_its_own_keeps_it(folder: Path) -> None:
    content = shipped()
    store = content["registered_resources"]["vector_stores"][0]
    content["registered_resources"]["vector_stores"].append(
        store | {"vector_store_id": "b", "embedding_model": "sdk/large", "embedding_dimension": 3}
    )
    del content["providers"]["vector_io"][0]["config"]["mark_queries"]

    tree = built(folder, content)

    first, second = tree["registered_resources"]["vector_stores"]
    assert first["embedding_model"] == MODEL
    assert (second["embedding_model"], second["embedding_dimension"]) == ("sdk/large", 3)
    # Its endpoint may refuse the mark.
    assert "mark_queries" not in tree["providers"]["vector_io"][0]["config"]


def test_a_store_that_cannot_keep_its_old_vectors_is_left_alone(folder: Path) -> None:
    content = shipped()
    content["providers"]["vector_io"][0] = {
        "provider_id": "faiss_hybrid",
        "provider_type": "inline::faiss",
        "config": {"persistence": {"namespace": "n", "backend": "kv_default"}},
    }

    tree = built(folder, content)

    (store,) = tree["registered_resources"]["vector_stores"]
    assert store["embedding_model"] == FORMER
    assert "mark_queries" not in tree["providers"]["vector_io"][0]["config"]


def test_questions_are_marked_where_all_stores_have_the_model(folder: Path) -> None:
    content = shipped()
    del content["providers"]["vector_io"][0]["config"]["mark_queries"]

    (provider,) = built(folder, content)["providers"]["vector_io"]

    assert provider["config"]["mark_queries"] is True


def test_a_run_configuration_that_is_built_gets_it_as_well(folder: Path) -> None:
    sections = RunConfigSections(
        config=UnifiedLlamaStackConfiguration(),
        vector_store=VectorStoreConfiguration.model_validate(
            {"default_provider": "kb", "providers": [{"type": "faiss", "id": "kb"}]}
        ),
        default_baseline=SHIPPED,
    )
    settings = EngineSettings(sections=sections, data_dir=folder.parent, embedding_folder=folder)

    tree = build_run_config(settings, {})

    assert tree is not None
    accepted(folder, tree)
    assert tree["vector_stores"]["default_embedding_model"]["provider_id"] == "embeddings"
    assert tree["vector_stores"]["default_provider_id"] == "kb"
    assert tree["providers"]["vector_io"][0]["config"]["mark_queries"] is True


def test_an_empty_baseline_gets_a_default_that_it_lacked(folder: Path) -> None:
    sections = RunConfigSections(
        config=UnifiedLlamaStackConfiguration.model_validate({"baseline": "empty"}),
        vector_store=VectorStoreConfiguration(),
        default_baseline=SHIPPED,
    )
    settings = EngineSettings(sections=sections, data_dir=folder.parent, embedding_folder=folder)

    tree = build_run_config(settings, {})

    assert tree is not None
    assert tree["vector_stores"]["default_embedding_model"]["model_id"] == "multilingual-small"


def test_a_provider_of_the_same_id_is_refused(folder: Path) -> None:
    content = shipped()
    content["providers"]["inference"][0]["provider_id"] = "embeddings"

    with pytest.raises(ConfigurationError, match="has a provider 'embeddings' already"):
        built(folder, content)


def test_what_is_no_folder_of_a_model_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"knowledge\.embedding_folder: .*nowhere/embedding\.json cannot be read",
    ):
        built(tmp_path / "nowhere")
