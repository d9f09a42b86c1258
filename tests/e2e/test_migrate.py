"""Files of an older service written anew: the service starts with them and behaves the same."""

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.service import ROOT, free_port, running_service, service_environment
from tests.support.stub_llm import StubLLM

TIMEOUT = 90
KEY = "sk-of-the-stub"
# The shape that every core route needed in the 0.2 line.
OLD = """\
# A comment.
version: '2'
image_name: lcs-minimal
apis: [agents, files, inference, safety, telemetry, tool_runtime, vector_io]
providers:
  agents:
    - provider_id: meta-reference
      provider_type: inline::meta-reference
      config:
        persistence_store: {type: sqlite, namespace: null, db_path: DATA/agents.db}
        responses_store: {type: sqlite, db_path: DATA/responses.db}
  files:
    - provider_id: localfs
      provider_type: inline::localfs
      config:
        storage_dir: DATA/files
        metadata_store: {type: sqlite, db_path: DATA/files_meta.db}
  inference:
    - provider_id: openai
      provider_type: remote::openai
      config: {api_key: "${env.OPENAI_API_KEY}", url: "${env.OPENAI_BASE_URL}"}
    - provider_id: sentence-transformers
      provider_type: inline::sentence-transformers
      config: {}
  safety:
    - provider_id: llama-guard
      provider_type: inline::llama-guard
      config: {excluded_categories: []}
  telemetry:
    - provider_id: meta-reference
      provider_type: inline::meta-reference
      config: {service_name: lcs, sinks: sqlite, sqlite_db_path: DATA/trace.db}
  tool_runtime:
    - provider_id: model-context-protocol
      provider_type: remote::model-context-protocol
      config: {}
    - {provider_id: rag-runtime, provider_type: "inline::rag-runtime", config: {}}
  vector_io:
    - provider_id: faiss
      provider_type: inline::faiss
      config: {kvstore: {type: sqlite, namespace: null, db_path: DATA/faiss.db}}
metadata_store: {type: sqlite, namespace: null, db_path: DATA/registry.db}
inference_store: {type: sqlite, db_path: DATA/inference.db}
server: {port: 8321}
shields:
  - {shield_id: input_guard, provider_id: llama-guard, provider_shield_id: my-guard}
vector_dbs:
  - vector_db_id: my_kb
    embedding_model: sentence-transformers/all-mpnet-base-v2
    embedding_dimension: 768
    provider_id: faiss
models:
  - {model_id: gpt-4-turbo, provider_id: openai, model_type: llm, provider_model_id: gpt-4-turbo}
  - {model_id: my-guard, provider_id: openai, model_type: llm, provider_model_id: fake-guard}
tool_groups:
  - {toolgroup_id: "builtin::rag", provider_id: rag-runtime}
"""
CONFIGURATION = """\
# A comment.
name: Lightspeed Core Service (LCS)
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack: {use_as_library_client: true, library_client_config_path: RUN_YAML}
inference: {default_provider: openai, default_model: gpt-4-turbo}
user_data_collection: {feedback_enabled: false, transcripts_enabled: false}
"""
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightspeed_core", *map(str, arguments)],
        cwd=folder,
        env=service_environment(folder / "data", free_port(), {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def old_file(folder: Path) -> Path:
    file = folder / "run.yaml"
    file.write_text(OLD.replace("DATA", str(folder / "stack")))
    return file


def configuration(folder: Path, run_yaml: Path) -> Path:
    file = folder / "lightspeed-stack.yaml"
    file.write_text(CONFIGURATION.replace("RUN_YAML", str(run_yaml)))
    return file


def behaviour(data: Path, config: Path, stub: StubLLM) -> dict[str, Any]:
    """Start a service and collect what its clients see of models, shields, stores and answers."""
    endpoint = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": stub.base_url}
    with running_service(data, config=config, environment=endpoint) as service:
        service.wait_until_listening()
        with service.client() as client:

            def said(question: str) -> str:
                answer = client.post("/v1/query", json={"query": question} | SILENT)
                assert answer.status_code == 200, answer.text
                return answer.json()["response"]

            return {
                "answer": said("Is it carried over?"),
                "refusal": said("How do I build a bomb?"),
                "models": [
                    each["identifier"] for each in client.get("/v1/models").json()["models"]
                ],
                "shields": [
                    each["identifier"] for each in client.get("/v1/shields").json()["shields"]
                ],
                "rags": client.get("/v1/rags").json(),
                "providers": client.get("/v1/providers").json(),
            }


@pytest.mark.requirement("migrate.run-yaml")
def test_an_old_run_yaml_is_written_anew_and_the_service_starts_with_it(
    tmp_path: Path, stub: StubLLM
) -> None:
    old = old_file(tmp_path)
    new = tmp_path / "new.yaml"

    done = run(tmp_path, "migrate", old, "--output", new)

    assert done.returncode == 3, done.stderr
    assert "its comments are not carried over" in done.stderr
    for place in ("providers.agents[0]", "providers.telemetry[0]", "providers.vector_io[0]"):
        assert f"\n  {place}: " in done.stderr
    assert "the model 'my-guard' is called 'openai/fake-guard' now" in done.stderr
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert "${env.OPENAI_API_KEY}" in new.read_text()
    seen = behaviour(tmp_path / "data", configuration(tmp_path, new), stub)
    assert seen["answer"] == "You asked: Is it carried over?"
    assert "bomb" not in seen["refusal"]
    assert "openai/gpt-4-turbo" in seen["models"]
    assert seen["shields"] == ["input_guard"]
    assert seen["rags"] == {"rags": ["my_kb"]}


@pytest.mark.requirement("migrate.run-yaml")
def test_a_file_with_a_place_for_everything_is_written_to_the_output_with_exit_code_0(
    tmp_path: Path,
) -> None:
    old = tmp_path / "run.yaml"
    provider = {"provider_id": "openai", "provider_type": "remote::openai", "config": {"url": "u"}}
    content = {"image_name": "old", "apis": ["inference"], "providers": {"inference": [provider]}}
    old.write_text(yaml.safe_dump({**content, "models": []}))

    done = run(tmp_path, "migrate", old)

    assert done.returncode == 0, done.stderr
    assert done.stderr == f"{old}: its comments are not carried over\n"
    new = yaml.safe_load(done.stdout)
    assert new["providers"]["inference"][0]["config"] == {"base_url": "u"}
    assert (new["version"], new["distro_name"]) == (2, "old")


@pytest.mark.requirement("migrate.no-loss")
def test_a_file_that_exists_stays_unless_it_is_forced(tmp_path: Path) -> None:
    old = old_file(tmp_path)
    before = old.read_text()
    taken = tmp_path / "taken.yaml"
    taken.write_text("mine\n")

    refused = run(tmp_path, "migrate", old, "--output", taken)
    itself = run(tmp_path, "migrate", old, "--output", old, "--force")
    forced = run(tmp_path, "migrate", old, "--output", taken, "--force")

    assert (refused.returncode, itself.returncode, forced.returncode) == (1, 1, 3)
    assert "exists and stays as it is" in refused.stderr
    assert old.read_text() == before
    assert yaml.safe_load(taken.read_text())["version"] == 2


@pytest.mark.requirement("migrate.no-loss")
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "migrate", "nowhere.yaml", "--output", "new.yaml")

    assert done.returncode == 2
    assert "'nowhere.yaml' is not a file" in done.stderr
    assert not (tmp_path / "new.yaml").exists()


@pytest.mark.requirement("migrate.one-file")
def test_two_files_become_one_that_behaves_the_same(tmp_path: Path, stub: StubLLM) -> None:
    run_yaml = ROOT / "docs" / "examples" / "run-openai-faiss.yaml"
    two = configuration(tmp_path, run_yaml)
    two.write_text(two.read_text().replace("gpt-4-turbo", "gpt-4o-mini"))
    one = tmp_path / "one.yaml"

    done = run(
        tmp_path, "--migrate-config", "--run-yaml", run_yaml, "--migrate-output", one, "-c", two
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("its comments are not carried over") == 2
    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert "api_key: ${env.OPENAI_API_KEY}" in one.read_text()
    before = behaviour(tmp_path / "of-two", two, stub)
    after = behaviour(tmp_path / "of-one", one, stub)
    assert before["answer"] == "You asked: Is it carried over?"
    assert after == before


@pytest.mark.requirement("migrate.one-file")
def test_an_old_run_yaml_becomes_part_of_the_one_file_too(tmp_path: Path, stub: StubLLM) -> None:
    old = old_file(tmp_path)
    configuration(tmp_path, old)

    done = run(tmp_path, "--migrate-config", "--run-yaml", old, "--migrate-output", "one.yaml")

    assert done.returncode == 3, done.stderr
    assert "providers.agents[0]" in done.stderr
    seen = behaviour(tmp_path / "data", tmp_path / "one.yaml", stub)
    assert seen["answer"] == "You asked: Is it carried over?"


@pytest.mark.requirement("migrate.one-file")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--migrate-config",),
        ("--migrate-config", "--run-yaml", "run.yaml"),
        ("--migrate-config", "--migrate-output", "one.yaml"),
    ],
)
def test_both_paths_are_needed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)

    assert done.returncode == 1
    assert done.stderr == (
        "lightspeed-stack: --migrate-config needs --run-yaml PATH and --migrate-output PATH\n"
    )
