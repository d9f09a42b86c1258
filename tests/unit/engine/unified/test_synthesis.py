"""A run configuration built from sections: what comes from where, and what wins."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.config.llama_stack import UnifiedLlamaStackConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import shipped_file
from lightspeed_core.engine.llama_stack.run_config import read_run_config
from lightspeed_core.engine.llama_stack.settings import RunConfigSections
from lightspeed_core.engine.llama_stack.unified.synthesis import is_installed, synthesize
from lightspeed_core.errors import ConfigurationError

SHIPPED = shipped_file("run.yaml")
OPENAI = {"type": "openai"}
FAISS = {"type": "faiss", "id": "docs"}


def built(
    config: dict[str, Any] | None = None,
    providers: list[dict[str, Any]] | None = None,
    stores: list[dict[str, Any]] | None = None,
    **environ: str,
) -> dict[str, Any]:
    configuration = Configuration.model_validate(
        {
            "name": "n",
            "service": {},
            "llama_stack": {"use_as_library_client": True, "config": config or {}},
            "user_data_collection": {},
            "inference": {"providers": providers or []},
            "vector_store": {"default_provider": stores[0]["id"], "providers": stores}
            if stores
            else {},
        }
    )
    sections = RunConfigSections(
        config=configuration.llama_stack.config or UnifiedLlamaStackConfiguration(),
        inference=configuration.inference.providers,
        vector_store=configuration.vector_store,
        default_baseline=SHIPPED,
    )
    return synthesize(sections, environ, installed=lambda _: False)


def ids(tree: dict[str, Any], api: str) -> list[str]:
    return [entry["provider_id"] for entry in tree["providers"][api]]


def accepted(folder: Path, tree: dict[str, Any]) -> dict[str, Any]:
    """Hold a tree against the checks of a run.yaml that an operator wrote."""
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(tree))
    read_run_config(file)
    return tree


def test_the_default_baseline_alone_is_the_shipped_run_yaml() -> None:
    assert built() == yaml.safe_load(SHIPPED.read_text())


def test_an_empty_baseline_has_what_llama_stack_cannot_do_without(tmp_path: Path) -> None:
    tree = accepted(tmp_path, built({"baseline": "empty"}, [OPENAI]))

    assert tree["apis"] == ["inference"]
    assert ids(tree, "inference") == ["openai"]
    assert set(tree["storage"]["backends"]) == {"kv_default", "sql_default"}
    assert "registered_resources" not in tree


def test_a_profile_takes_the_place_of_the_baseline(tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    content: dict[str, Any] = {
        "version": 2,
        "distro_name": "mine",
        "apis": ["safety"],
        "providers": {"safety": []},
        "storage": {"backends": {}, "stores": {"metadata": {"namespace": "r", "backend": "b"}}},
    }
    profile.write_text(yaml.safe_dump(content))

    tree = built({"profile": str(profile)}, [OPENAI])

    assert (tree["distro_name"], tree["apis"]) == ("mine", ["safety", "inference"])
    assert tree["storage"] == content["storage"]


def test_a_profile_that_is_no_run_yaml_is_refused_by_its_own_name(tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("version: 2\nmodels: []\n")

    with pytest.raises(ConfigurationError, match=r"profile\.yaml"):
        built({"profile": str(profile)})


def test_providers_of_models_stand_first_and_replace_the_endpoints_of_variables() -> None:
    tree = built({}, [{"type": "vllm", "id": "gpu", "extra": {"base_url": "http://g/v1"}}])

    assert ids(tree, "inference") == ["gpu", "onnx", "extractive"]


def test_the_same_id_replaces_also_where_a_variable_switches_it_on(tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(SHIPPED.read_text())

    tree = built({"profile": str(profile)}, [OPENAI])

    found = ids(tree, "inference")
    assert found[:2] == ["openai", "${env.VLLM_URL:+vllm}"]
    assert "${env.OPENAI_API_KEY:+openai}" not in found


@pytest.mark.requirement("unified.order")
def test_the_override_comes_last_and_stays_as_it_is_written() -> None:
    override: dict[str, Any] = {
        "providers": {"safety": [{"provider_id": "g", "provider_type": "inline::llama-guard"}]},
        "vector_stores": {"default_provider_id": "other"},
        "registered_resources": {"vector_stores": []},
        "server": {"host": "${env.NOT_SET}"},
    }

    tree = built({"native_override": override}, [OPENAI], [FAISS])

    assert ids(tree, "inference")[0] == "openai"
    assert ids(tree, "safety") == ["g"]
    assert tree["vector_stores"]["default_provider_id"] == "other"
    assert tree["vector_stores"]["default_embedding_model"]["provider_id"] == "onnx"
    assert tree["registered_resources"]["vector_stores"] == []
    assert tree["registered_resources"]["models"]
    assert tree["server"] == {"host": "${env.NOT_SET}", "port": 8321}


def test_faiss_is_the_hybrid_store_in_a_file_of_its_own(tmp_path: Path) -> None:
    tree = accepted(tmp_path, built({}, None, [FAISS]))

    entry = tree["providers"]["vector_io"][0]
    assert (entry["provider_id"], entry["provider_type"]) == ("docs", "inline::faiss_hybrid")
    assert entry["config"]["db_path"].endswith("/docs.db")
    assert ids(tree, "vector_io")[1] == "faiss_hybrid"
    assert tree["vector_stores"]["default_provider_id"] == "docs"


def test_a_setting_of_llama_stacks_own_faiss_chooses_that_one() -> None:
    config = {"persistence": {"namespace": "n", "backend": "b"}}

    tree = built({}, None, [{**FAISS, "config": config}])

    entry = tree["providers"]["vector_io"][0]
    assert entry == {"provider_id": "docs", "provider_type": "inline::faiss", "config": config}


def test_pgvector_goes_by_the_environment_unless_told_otherwise(tmp_path: Path) -> None:
    stores = [{"type": "pgvector", "id": "pg", "config": {"db": "mine"}}]

    tree = accepted(tmp_path, built({"baseline": "empty"}, None, stores))

    config = tree["providers"]["vector_io"][0]["config"]
    assert (config["db"], config["password"]) == ("mine", "${env.POSTGRES_PASSWORD}")
    assert config["persistence"]["backend"] == "kv_pg"
    assert set(tree["storage"]["backends"]) == {"kv_default", "sql_default", "kv_pg"}
    assert tree["apis"] == ["vector_io"]


def test_a_persistence_of_ones_own_needs_no_database_of_ours() -> None:
    persistence = {"namespace": "n", "backend": "mine"}
    stores = [{"type": "pgvector", "id": "pg", "config": {"persistence": persistence}}]

    tree = built({}, None, stores)

    assert tree["providers"]["vector_io"][0]["config"]["persistence"] == persistence
    assert "kv_pg" not in tree["storage"]["backends"]


def test_an_embedding_model_is_registered_with_its_dimension_and_is_the_default() -> None:
    stores = [
        {**FAISS, "embedding_model": "openai/embed-3", "embedding_dimension": 64},
        {**FAISS, "id": "b", "embedding_model": "onnx/all-MiniLM-L6-v2", "embedding_dimension": 1},
    ]

    tree = built({}, [OPENAI], stores)

    models = tree["registered_resources"]["models"]
    assert [(each["provider_id"], each["model_id"]) for each in models] == [
        ("onnx", "all-MiniLM-L6-v2"),
        ("openai", "embed-3"),
    ]
    assert models[1]["metadata"] == {"embedding_dimension": 64}
    assert tree["vector_stores"]["default_embedding_model"] == {
        "provider_id": "openai",
        "model_id": "embed-3",
    }


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("embed-3", "'embed-3' must be PROVIDER/MODEL"),
        ("x/embed-3", "there is no provider 'x' of models; there are extractive, onnx, openai"),
    ],
)
def test_an_embedding_model_of_no_provider_is_refused(model: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        built({}, [OPENAI], [{**FAISS, "embedding_model": model}])

    assert refused.value.cause.startswith("vector_store.providers[0].embedding_model: ")
    assert said in refused.value.cause


def test_a_package_is_found_without_importing_it() -> None:
    assert is_installed("json")
    assert not is_installed("no_such_package.inside")
