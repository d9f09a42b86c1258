"""What a run.yaml is refused for, key by key, and what is read from it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightspeed_core.engine.llama_stack.run_config import expand, read_run_config
from lightspeed_core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]

GOOD: dict[str, Any] = {
    "version": 2,
    "distro_name": "test",
    "apis": ["inference"],
    "providers": {"inference": [{"provider_id": "one", "provider_type": "inline::one"}]},
    "storage": {"backends": {"kv_default": {"type": "kv_sqlite", "db_path": "kv.db"}}},
}

# The reduced file of Llama Stack 0.2 with which every endpoint of the first release worked.
LEGACY = """
version: '2'
image_name: lcs-minimal
apis: [agents, files, inference, safety, telemetry, tool_runtime, vector_io]
providers:
  agents:
    - provider_id: meta-reference
      provider_type: inline::meta-reference
      config:
        persistence_store: {type: sqlite, namespace: null, db_path: /data/agents.db}
        responses_store: {type: sqlite, db_path: /data/responses.db}
  files:
    - provider_id: localfs
      provider_type: inline::localfs
      config: {storage_dir: /data, metadata_store: {type: sqlite, db_path: /data/meta.db}}
  inference:
    - {provider_id: openai, provider_type: "remote::openai", config: {url: "http://x/v1"}}
  telemetry:
    - {provider_id: meta-reference, provider_type: "inline::meta-reference", config: {}}
  tool_runtime:
    - {provider_id: rag-runtime, provider_type: "inline::rag-runtime", config: {}}
  vector_io:
    - provider_id: faiss
      provider_type: inline::faiss
      config: {kvstore: {type: sqlite, namespace: null, db_path: /data/faiss.db}}
metadata_store: {type: sqlite, namespace: null, db_path: /data/registry.db}
inference_store: {type: sqlite, db_path: /data/inference.db}
server: {port: 8321}
shields: []
vector_dbs: []
models: []
tool_groups: []
"""


def written(folder: Path, content: object) -> Path:
    path = folder / "run.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def refusal(folder: Path, content: object) -> str:
    path = written(folder, content)
    with pytest.raises(ConfigurationError) as raised:
        read_run_config(path)
    assert str(path) in raised.value.cause
    return raised.value.cause


def test_a_good_file_is_read(tmp_path: Path):
    run_config = read_run_config(written(tmp_path, GOOD))
    assert run_config.provider_ids({}) == ["one"]


@pytest.mark.requirement("stack.run-yaml")
@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("models", "belongs in registered_resources.models"),
        ("shields", "belongs in registered_resources.shields"),
        ("vector_dbs", "belongs in registered_resources.vector_stores"),
        ("tool_groups", "drop it; tool groups follow from providers.tool_runtime"),
        ("metadata_store", "storage.stores.metadata"),
        ("inference_store", "storage.stores.inference"),
        ("image_name", "is distro_name now"),
        ("storage", "it replaces metadata_store and inference_store"),
        ("apis[0]", "'agents': is gone"),
        ("apis[4]", "'telemetry': is gone; drop it and set the OTEL_"),
        ("providers.agents", "keeps turns and conversations itself"),
        ("providers.telemetry", "OTEL_"),
        ("providers.tool_runtime[0].provider_type", "is inline::file-search now"),
        ("providers.vector_io[0].config.kvstore", "is persistence: {namespace"),
        ("providers.files[0].config.metadata_store", "is {table_name"),
        ("providers.inference[0].config.url", "is base_url now; as url it is ignored"),
    ],
)
def test_each_legacy_key_is_named_with_its_new_place(tmp_path: Path, key: str, place: str):
    lines = [line.strip() for line in refusal(tmp_path, LEGACY).splitlines()]
    (line,) = [line for line in lines if line.startswith(f"{key}: ")]
    assert place in line


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"provider": {}}, "provider: unknown key; did you mean 'providers'?"),
        ({"version": 3}, "version: 3; must be 2"),
        ({"distro_name": None}, "distro_name: missing"),
        ({"apis": None}, "apis: missing"),
        ({"apis": "inference"}, "apis: must be a list"),
        ({"apis": ["inferense"]}, "apis[0]: 'inferense': unknown key; did you mean 'inference'?"),
        ({"providers": []}, "providers: must map each API to a list of providers"),
        ({"providers": {"inference": {}}}, "providers.inference: must be a list of providers"),
        ({"providers": {"inference": ["x"]}}, "providers.inference[0]: must be a mapping"),
        (
            {"providers": {"inference": [{"provider_id": "x"}]}},
            "providers.inference[0].provider_type: missing",
        ),
        (
            {"providers": {"inference": [{**GOOD["providers"]["inference"][0], "modul": "x"}]}},
            "providers.inference[0].modul: unknown key; did you mean 'module'?",
        ),
        (
            {"providers": {"inference": [{**GOOD["providers"]["inference"][0], "config": 3}]}},
            "providers.inference[0].config: must be a mapping, but is '3'",
        ),
        (
            {"providers": {"inference": GOOD["providers"]["inference"] * 2}},
            "providers.inference[1].provider_id: 'one' stands twice",
        ),
        ({"storage": None}, "storage: missing, so databases would land in ~/.llama"),
        ({"storage": {"stores": {}}}, "storage.backends: missing"),
        ({"storage": {"backend": {}}}, "storage.backend: unknown key; did you mean 'backends'?"),
        (
            {"registered_resources": {"shield": []}},
            "registered_resources.shield: unknown key; did you mean 'shields'?",
        ),
        (
            {"registered_resources": {"tool_groups": []}},
            "registered_resources.tool_groups: drop it",
        ),
        ({"registered_resources": []}, "registered_resources: must be a mapping"),
    ],
)
def test_what_llama_stack_would_swallow_is_refused(
    tmp_path: Path, change: dict[str, Any], expected: str
):
    assert expected in refusal(tmp_path, GOOD | change)


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path):
    cause = refusal(tmp_path, "version: 2\napis: [inference\nproviders: {}\n")
    assert "line 3, column 10: " in cause
    assert "(in what began in line 2)" in cause


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path):
    assert "must hold a mapping" in refusal(tmp_path, "- one\n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"version: \xff")
    with pytest.raises(ConfigurationError, match="byte 9 is not UTF-8"):
        read_run_config(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"none.yaml' is not a file"):
        read_run_config(tmp_path / "none.yaml")


def test_a_name_that_llama_stack_takes_for_a_distribution_is_refused(tmp_path: Path):
    path = tmp_path / "run.yml"
    path.write_text(yaml.safe_dump(GOOD))
    with pytest.raises(ConfigurationError, match=r"the name must end in \.yaml"):
        read_run_config(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env.A}", "a"),
        ("${env.NONE}", ""),
        ("${env.NONE:=other}", "other"),
        ("${env.EMPTY:=other}", "other"),
        ("${env.A:+on}", "on"),
        ("${env.NONE:+on}", ""),
        ("x-${env.A}-${env.NONE:=y}", "x-a-y"),
        ("${env.lower}", "${env.lower}"),
    ],
)
def test_substitutions_are_made_as_llama_stack_makes_them(text: str, expected: str):
    assert expand(text, {"A": "a", "EMPTY": ""}) == expected


def test_providers_that_the_environment_switches_off_are_not_counted():
    run_config = read_run_config(ROOT / "run.yaml")
    assert run_config.provider_ids({}) == ["onnx", "extractive", "faiss_hybrid"]
    switched_on = run_config.provider_ids({"OPENAI_API_KEY": "k", "OLLAMA_URL": "http://x/v1"})
    assert switched_on == ["openai", "ollama", "onnx", "extractive", "faiss_hybrid"]


def test_a_variable_of_a_provider_that_stays_off_is_found():
    run_config = read_run_config(ROOT / "run.yaml")
    environ = {"OPENAI_BASE_URL": "http://x/v1", "VLLM_URL": "http://y/v1", "VLLM_MODEL": "m"}
    assert list(run_config.idle_variables(environ)) == [
        ("${env.OPENAI_API_KEY:+openai}", "OPENAI_BASE_URL")
    ]


def test_the_packages_of_external_providers_are_named_once():
    named = re.findall(r"module: (\S+)", (ROOT / "run.yaml").read_text())
    assert len(named) > len(set(named))
    assert read_run_config(ROOT / "run.yaml").modules() == list(dict.fromkeys(named))


@pytest.mark.parametrize("path", sorted((ROOT / "docs/examples").glob("*run*.yaml")), ids=str)
def test_each_example_passes_the_checks(path: Path):
    read_run_config(path)
