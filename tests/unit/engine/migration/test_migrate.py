"""A run.yaml of the 0.2 line: where each part goes, and what is told of the rest."""

from pathlib import Path
from typing import Any, override

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lightspeed_core.config.place import is_list, is_mapping
from lightspeed_core.engine.llama_stack.migration.known import KnownProviders
from lightspeed_core.engine.llama_stack.migration.ledger import Ledger
from lightspeed_core.engine.llama_stack.migration.migrate import migrate_file
from lightspeed_core.engine.llama_stack.run_config import read_run_config
from lightspeed_core.errors import ConfigurationError

NETWORK = {"api_key", "auth_credential", "base_url", "allowed_models"}
SETTINGS = {
    ("inference", "remote::openai"): NETWORK,
    ("inference", "remote::vllm"): NETWORK | {"api_token", "max_tokens"},
    ("inference", "remote::azure"): NETWORK | {"api_version"},
    ("inference", "inline::sentence-transformers"): {"trust_remote_code"},
    ("vector_io", "inline::faiss"): {"persistence"},
    ("safety", "inline::llama-guard"): {"excluded_categories"},
    ("files", "inline::localfs"): {"storage_dir", "metadata_store"},
    ("tool_runtime", "inline::file-search"): set[str](),
}
OPENAI = {"provider_id": "openai", "provider_type": "remote::openai"}
SENTENCES = {
    "provider_id": "sentence-transformers",
    "provider_type": "inline::sentence-transformers",
}
FAISS = {
    "provider_id": "faiss",
    "provider_type": "inline::faiss",
    "config": {"kvstore": {"type": "sqlite", "namespace": None, "db_path": "/d/faiss.db"}},
}
GUARD: dict[str, Any] = {
    "provider_id": "llama-guard",
    "provider_type": "inline::llama-guard",
    "config": {},
}


class Known(KnownProviders):
    @override
    def settings(self, api: str, provider_type: str) -> frozenset[str] | None:
        keys = SETTINGS.get((api, provider_type))
        return None if keys is None else frozenset(keys)


def legacy(apis: dict[str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    return {
        "version": "2",
        "image_name": "old",
        "apis": list(apis),
        "providers": apis,
        "metadata_store": {"type": "sqlite", "namespace": None, "db_path": "/d/registry.db"},
        **more,
    }


def migrated(
    folder: Path, content: dict[str, Any], *, packages: bool = True
) -> tuple[dict[str, Any], Ledger]:
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(content))
    new, ledger = migrate_file(file, Known(), lambda _: packages)
    file.write_text(yaml.safe_dump(dict(new)))
    read_run_config(file)
    return dict(new), ledger


def left(ledger: Ledger) -> dict[str, str]:
    return {remark.place: remark.text for remark in ledger.left}


def test_a_file_for_0_7_comes_back_as_it_is(tmp_path: Path) -> None:
    shipped = yaml.safe_load((Path(__file__).parents[4] / "run.yaml").read_text())

    new, ledger = migrated(tmp_path, shipped)

    assert new == shipped
    assert (ledger.left, ledger.changed) == ([], [])


def test_databases_are_named_once_and_referred_to(tmp_path: Path) -> None:
    store = {"type": "sqlite", "db_path": "/d/files.db"}
    local = {"provider_id": "localfs", "provider_type": "inline::localfs"}
    files = {**local, "config": {"storage_dir": "/d/files", "metadata_store": store}}
    postgres = {"type": "postgres", "host": "db", "user": "u", "password": "${env.PG}"}
    content = legacy(
        {"files": [files], "vector_io": [FAISS]},
        inference_store={"sql_store_config": postgres, "num_writers": 4},
        conversations_store=store,
    )

    new, ledger = migrated(tmp_path, content)

    assert new["storage"]["backends"] == {
        "kv_default": {"type": "kv_sqlite", "db_path": "/d/registry.db"},
        "sql_default": {**postgres, "type": "sql_postgres"},
        "sql_default_2": {"type": "sql_sqlite", "db_path": "/d/files.db"},
        "kv_faiss": {"type": "kv_sqlite", "db_path": "/d/faiss.db"},
    }
    assert new["storage"]["stores"] == {
        "metadata": {"namespace": "registry", "backend": "kv_default"},
        "inference": {"table_name": "inference_store", "backend": "sql_default"},
        "conversations": {"table_name": "openai_conversations", "backend": "sql_default_2"},
    }
    config = new["providers"]["files"][0]["config"]
    assert config["metadata_store"] == {"table_name": "files_metadata", "backend": "sql_default_2"}
    persistence = new["providers"]["vector_io"][0]["config"]["persistence"]
    assert persistence == {"namespace": "vector_io::faiss", "backend": "kv_faiss"}
    assert list(left(ledger)) == ["providers.vector_io[0]"]
    assert "fill its vector stores again" in left(ledger)["providers.vector_io[0]"]


def test_the_registry_keeps_away_from_what_the_old_one_wrote(tmp_path: Path) -> None:
    store = {"type": "sqlite", "namespace": "registry", "db_path": "/d/registry.db"}

    new, _ = migrated(tmp_path, legacy({"inference": [OPENAI]}, metadata_store=store))

    assert new["storage"]["stores"]["metadata"]["namespace"] == "registry_2"


def test_a_database_of_no_known_type_is_left(tmp_path: Path) -> None:
    store = {"type": "etcd", "host": "e"}

    new, ledger = migrated(tmp_path, legacy({"inference": [OPENAI]}, metadata_store=store))

    assert "stores" not in new["storage"]
    assert left(ledger) == {
        "metadata_store": "a database of type 'etcd' has no successor; "
        "mongodb, postgres, redis, sqlite have"
    }


def test_an_address_is_called_base_url_now(tmp_path: Path) -> None:
    vllm = {
        "provider_id": "vllm",
        "provider_type": "remote::vllm",
        "config": {"url": "${env.VLLM_URL:=http://g/v1}", "api_token": "t", "guess": 1},
    }
    azure = {
        "provider_id": "azure",
        "provider_type": "remote::azure",
        "config": {"api_base": "https://me.openai.azure.com/", "api_version": "v"},
    }

    new, ledger = migrated(tmp_path, legacy({"inference": [vllm, azure]}))

    first, second = new["providers"]["inference"]
    assert first["config"] == {"base_url": "${env.VLLM_URL:=http://g/v1}", "api_token": "t"}
    assert second["config"]["base_url"] == "https://me.openai.azure.com/openai/v1"
    assert left(ledger) == {
        "providers.inference[0].config.guess": "the provider has no such setting in 0.7"
    }


def test_ollama_is_served_by_the_provider_that_comes_along(tmp_path: Path) -> None:
    ollama = {
        "provider_id": "${env.OLLAMA_URL:+ollama}",
        "provider_type": "remote::ollama",
        "config": {"url": "${env.OLLAMA_URL:=http://localhost:11434}", "refresh_models": True},
    }

    new, ledger = migrated(tmp_path, legacy({"inference": [ollama]}))

    (entry,) = new["providers"]["inference"]
    assert entry["provider_type"] == "remote::openai_compatible"
    assert entry["config"] == {"base_url": "${env.OLLAMA_URL:=http://localhost:11434}/v1"}
    assert list(left(ledger)) == ["providers.inference[0].config.refresh_models"]
    assert [remark.place for remark in ledger.changed] == ["providers.inference[0]"]


def test_what_has_no_place_is_left_with_what_belonged_to_it(tmp_path: Path) -> None:
    mystery = {"provider_id": "mystery", "provider_type": "remote::mystery"}
    content = legacy(
        {
            "inference": [mystery],
            "agents": [{"provider_id": "meta", "provider_type": "inline::meta-reference"}],
            "telemetry": [],
            "eval": [{"provider_id": "eval", "provider_type": "inline::meta-reference"}],
        },
        models=[{"model_id": "m", "provider_id": "mystery"}],
        datasets=[{"dataset_id": "d"}],
        tool_groups=[
            {"toolgroup_id": "builtin::websearch", "provider_id": "tavily"},
            {"toolgroup_id": "mcp::a", "provider_id": "mcp", "mcp_endpoint": {"uri": "http://a"}},
        ],
        unheard_of=1,
    )

    new, ledger = migrated(tmp_path, content)

    assert (new["apis"], new["providers"]) == (["inference"], {"inference": []})
    found = left(ledger)
    assert set(found) == {
        "providers.inference[0]",
        "providers.agents[0]",
        "providers.eval[0]",
        "apis",
        "models[0]",
        "datasets[0]",
        "tool_groups[0]",
        "tool_groups[1]",
        "unheard_of",
    }
    assert found["apis"] == "'telemetry' is not used by the service"
    assert found["models[0]"].startswith("its provider 'mystery' was not carried over")
    assert "mcp_servers" in found["tool_groups[1]"]


def test_a_folder_of_further_providers_may_know_a_type(tmp_path: Path) -> None:
    mystery = {"provider_id": "mystery", "provider_type": "remote::mystery"}

    content = legacy({"inference": [mystery]}, external_providers_dir="/providers.d")
    new, ledger = migrated(tmp_path, content)

    assert new["providers"]["inference"] == [mystery]
    assert new["external_providers_dir"] == "/providers.d"
    assert ledger.left == []


def test_a_model_is_called_by_its_provider_and_so_is_what_names_it(tmp_path: Path) -> None:
    content = legacy(
        {"inference": [OPENAI], "safety": [GUARD]},
        models=[
            {"model_id": "guard", "provider_id": "openai", "provider_model_id": "llama-guard-3"},
            {"model_id": "openai/gpt", "provider_id": "openai", "provider_model_id": "gpt"},
        ],
        shields=[{"shield_id": "input_guard", "provider_shield_id": "guard"}],
    )

    new, ledger = migrated(tmp_path, content)

    resources = new["registered_resources"]
    assert [model["model_id"] for model in resources["models"]] == ["llama-guard-3", "gpt"]
    assert resources["shields"] == [
        {
            "shield_id": "input_guard",
            "provider_id": "llama-guard",
            "provider_shield_id": "openai/llama-guard-3",
        }
    ]
    assert [remark.text for remark in ledger.changed] == [
        "the model 'guard' is called 'openai/llama-guard-3' now"
    ]
    assert ledger.left == []


@pytest.mark.parametrize(
    ("old", "new_name"),
    [
        ("sentence-transformers/all-mpnet-base-v2", "sentence-transformers/all-mpnet-base-v2"),
        ("nomic/embed", "sentence-transformers/nomic/embed"),
        ("my-embedder", "openai/text-embedding-3"),
    ],
)
def test_the_model_of_a_store_is_registered_with_its_dimension(
    tmp_path: Path, old: str, new_name: str
) -> None:
    content = legacy(
        {"inference": [OPENAI, SENTENCES], "vector_io": [FAISS]},
        models=[
            {
                "model_id": "my-embedder",
                "provider_id": "openai",
                "provider_model_id": "text-embedding-3",
                "model_type": "embedding",
            }
        ],
        vector_dbs=[
            {
                "vector_db_id": "kb",
                "provider_id": "faiss",
                "embedding_model": old,
                "embedding_dimension": 768,
            }
        ],
    )

    new, ledger = migrated(tmp_path, content, packages=False)

    (store,) = new["registered_resources"]["vector_stores"]
    assert store == {
        "vector_store_id": "kb",
        "vector_store_name": "kb",
        "provider_id": "faiss",
        "embedding_model": new_name,
        "embedding_dimension": 768,
    }
    models = new["registered_resources"]["models"]
    named = {f"{model['provider_id']}/{model['model_id']}": model for model in models}
    assert named[new_name]["metadata"] == {"embedding_dimension": 768}
    assert named[new_name]["model_type"] == "embedding"
    needed = "inline::sentence-transformers needs the Python package sentence_transformers"
    assert needed in ledger.changed[0].text


def test_a_store_whose_model_nobody_serves_is_left(tmp_path: Path) -> None:
    store = {"vector_db_id": "kb", "embedding_model": "who/knows", "embedding_dimension": 3}
    content = legacy({"inference": [OPENAI], "vector_io": [FAISS]}, vector_dbs=[store])

    new, ledger = migrated(tmp_path, content)

    assert "vector_stores" not in new["registered_resources"]
    assert (
        left(ledger)["vector_dbs[0]"] == "no provider of its embedding model 'who/knows' is known"
    )


def test_the_search_tool_goes_along_where_files_are(tmp_path: Path) -> None:
    runtime: dict[str, Any] = {
        "provider_id": "rag-runtime",
        "provider_type": "inline::rag-runtime",
        "config": {},
    }
    group = {"toolgroup_id": "builtin::rag", "provider_id": "rag-runtime"}
    alone = legacy({"tool_runtime": [runtime]}, tool_groups=[group])
    beside_files = legacy({"tool_runtime": [runtime], "files": []}, tool_groups=[group])

    without, first = migrated(tmp_path, alone)
    with_files, second = migrated(tmp_path, beside_files)

    assert without["providers"]["tool_runtime"] == []
    assert set(left(first)) == {"providers.tool_runtime[0]", "tool_groups[0]"}
    (entry,) = with_files["providers"]["tool_runtime"]
    assert entry["provider_type"] == "inline::file-search"
    assert second.left == []


def test_a_file_that_no_rule_makes_right_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    nameless = {"provider_type": "remote::openai"}
    content = legacy({"inference": [nameless]})

    with pytest.raises(ConfigurationError) as refused:
        migrated(tmp_path, content)
    assert "providers.inference[0].provider_id: missing" in refused.value.cause
    with pytest.raises(ConfigurationError, match="must map each API"):
        migrated(tmp_path, {"version": 2, "models": []})


WHOLE = legacy(
    {
        "inference": [OPENAI | {"config": {"url": "http://u"}}, SENTENCES],
        "safety": [GUARD],
        "vector_io": [FAISS],
        "files": [
            {
                "provider_id": "localfs",
                "provider_type": "inline::localfs",
                "config": {"metadata_store": {"type": "sqlite", "db_path": "/d/f.db"}},
            }
        ],
        "tool_runtime": [{"provider_id": "rag", "provider_type": "inline::rag-runtime"}],
        "agents": [{"provider_id": "a", "provider_type": "inline::meta-reference"}],
    },
    models=[{"model_id": "m", "provider_id": "openai", "metadata": {"embedding_dimension": 1}}],
    shields=[{"shield_id": "s", "provider_shield_id": "m"}],
    vector_dbs=[{"vector_db_id": "v", "embedding_model": "m", "embedding_dimension": 1}],
    tool_groups=[{"toolgroup_id": "builtin::rag", "provider_id": "rag"}],
    inference_store={"type": "sqlite", "db_path": "/d/i.db"},
    storage={"backends": {}},
    registered_resources={"models": []},
)
ODD: list[object] = [None, 0, "", "x", [], ["x"], [None], {}, {"a": 1}]


def places(tree: Any) -> list[tuple[Any, Any]]:
    """List what may be replaced in a tree, as holder and key."""
    keys: Any = ()
    if is_mapping(tree):
        keys = list(tree)
    elif is_list(tree):
        keys = range(len(tree))
    return [spot for key in keys for spot in [(tree, key), *places(tree[key])]]


@settings(max_examples=200, deadline=None)
@given(where=st.integers(0, 10_000), odd=st.sampled_from(ODD), drops=st.booleans())
def test_an_odd_value_anywhere_is_carried_left_or_refused(
    tmp_path_factory: pytest.TempPathFactory, where: int, odd: object, *, drops: bool
) -> None:
    content: Any = yaml.safe_load(yaml.safe_dump(WHOLE))
    spots = places(content)
    holder, key = spots[where % len(spots)]
    if drops:
        del holder[key]
    else:
        holder[key] = odd
    folder = tmp_path_factory.getbasetemp()
    try:
        migrated(folder, content)
    except ConfigurationError as refused:
        assert str(folder) in refused.cause


def test_what_stands_in_the_place_of_a_list_is_told(tmp_path: Path) -> None:
    provider = {**OPENAI, "config": "none"}
    content = legacy({"inference": [provider]}, models={"m": 1}, shields=["x"]) | {"apis": "all"}

    new, ledger = migrated(tmp_path, content)

    assert new["apis"] == ["inference"]
    assert left(ledger) == {
        "providers.inference[0].config": "must be a mapping",
        "models": "must be a list",
        "shields[0]": "is no mapping of keys",
        "apis": "must be a list",
    }
