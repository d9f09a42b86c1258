"""One file and no run.yaml: the service starts, offers what it says, and writes what it built."""

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.foreign_store import rows_of, write_foreign_file
from tests.support.onnx_model import write_model
from tests.support.own_stores import TEXTS, fill_hybrid_file, vectors_of
from tests.support.service import ROOT, free_port, running_service, service_environment
from tests.support.streams import parse_stream
from tests.support.stub_llm import StubLLM

TIMEOUT = 90
KEY = "sk-of-the-stub"
WITHOUT_STORES: dict[str, Any] = {"vector_store_ids": []}
MODEL = "sentence-transformers/all-mpnet-base-v2"
STACK_MODEL = "byok_all-mpnet-base-v2/all-mpnet-base-v2"
EXAMPLE = ROOT / "docs" / "examples" / "lightspeed-stack-unified.yaml"
FILE = """\
name: Lightspeed Core Service (LCS)
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}", root_path: "/api/lightspeed"}
llama_stack:
  use_as_library_client: true
  config: {baseline: default, native_override: {}}
inference:
  default_provider: openai
  default_model: gpt-4o-mini
  providers:
    - {type: openai, api_key_env: STUB_KEY, allowed_models: [gpt-4o-mini]}
user_data_collection: {feedback_enabled: false, transcripts_enabled: false}
authentication: {module: noop, skip_for_health_probes: true, skip_for_metrics: true}
rag:
  byok:
    stores:
      - {rag_id: ocp-docs, vector_db_id: vs_ocp, db_path: "${env.OCP}"}
  retrieval:
    tool: {sources: [ocp-docs]}
"""


def written(folder: Path, text: str = FILE) -> Path:
    """Write the file beside a store that it names, and the model of that store."""
    data = folder / "data"
    model = write_model(data / "models" / MODEL, dimension=768)
    store = fill_hybrid_file(
        folder / "ocp.faiss", "vs_ocp", folder=model, model=STACK_MODEL, dimension=768
    )
    asyncio.run(store)
    file = folder / "lightspeed-stack.yaml"
    file.write_text(text)
    return file


def environment(folder: Path, stub: StubLLM) -> dict[str, str]:
    return {
        "STUB_KEY": KEY,
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_API_KEY": "sk-of-another",
        "OCP": str(folder / "ocp.faiss"),
    }


def run(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightspeed_core", "-c", str(written(folder, text))],
        cwd=folder,
        env=service_environment(folder / "data", free_port(), variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.requirement("unified.start")
@pytest.mark.requirement("unified.written")
def test_one_file_starts_a_service_that_offers_the_allowed_models_alone(
    tmp_path: Path, stub: StubLLM
) -> None:
    data = tmp_path / "data"
    with running_service(
        data, config=written(tmp_path), environment=environment(tmp_path, stub)
    ) as service:
        service.wait_until_ready()
        with service.client() as client:
            models = client.get("/v1/models", params={"model_type": "llm"}).json()["models"]
            answer = client.post("/v1/query", json={"query": "[[say=One file will do.]]"})
        asked = stub.requests()[-1]

    assert [model["identifier"] for model in models] == ["openai/gpt-4o-mini", "extractive/quote"]
    assert answer.status_code == 200, answer.text
    assert answer.json()["response"] == "One file will do."
    assert asked["body"]["model"] == "gpt-4o-mini"
    assert asked["headers"]["authorization"] == f"Bearer {KEY}"
    built = data / ".generated" / "run.yaml"
    assert "api_key: ${env.STUB_KEY}" in built.read_text()
    assert KEY not in built.read_text()
    assert stat.S_IMODE(built.stat().st_mode) == 0o600
    assert KEY not in service.output()


@pytest.mark.requirement("byok.stores")
@pytest.mark.requirement("byok.names")
@pytest.mark.requirement("retrieval.tool")
def test_a_store_of_ones_own_is_searched_by_the_tool_and_goes_by_its_rag_id(
    tmp_path: Path, stub: StubLLM
) -> None:
    arguments = json.dumps({"queries": ["which bird stands still"]})
    question: dict[str, Any] = {"query": f"Which bird is it? [[tool=file_search {arguments}]]"}
    with running_service(
        tmp_path / "data", config=written(tmp_path), environment=environment(tmp_path, stub)
    ) as service:
        service.wait_until_ready()
        with service.client() as client:
            rags = client.get("/v1/rags").json()
            shown = client.get("/v1/rags/vs_ocp").json()
            (tool,) = client.get("/v1/tools").json()["tools"]
            answer = client.post("/v1/query", json=question)
            named = client.post("/v1/query", json=question | {"vector_store_ids": ["ocp-docs"]})
            none = client.post("/v1/query", json=question | WITHOUT_STORES)
            streamed = client.post("/v1/streaming_query", json=question).text
        output = service.output()

    assert (rags["rags"][-1], shown["id"]) == ("ocp-docs", "ocp-docs")
    assert (tool["identifier"], tool["parameters"][0]["name"]) == ("file_search", "queries")
    for each in (answer.json(), named.json()):
        (call,) = each["tool_calls"]
        assert (call["name"], call["type"]) == ("file_search", "file_search_call")
        assert call["args"] == {"queries": ["which bird stands still"]}
        (result,) = each["tool_results"]
        assert (result["status"], result["round"]) == ("completed", 1)
        assert json.loads(result["content"])["results"][0]["title"] == "Page 0"
        assert each["rag_chunks"][0]["source"] == "ocp-docs"
        assert each["rag_chunks"][0]["content"] == TEXTS[0]
        assert each["referenced_documents"][0]["source"] == "ocp-docs"
    assert none.json()["tool_calls"] == []
    events = [event.event for event in parse_stream(streamed)]
    assert events.index("tool_call") < events.index("tool_result") < events.index("end")
    assert "not served" not in output


@pytest.mark.requirement("byok.foreign")
@pytest.mark.requirement("import.whole")
def test_a_store_of_the_original_is_imported_once_and_served_by_the_same_file(
    tmp_path: Path, stub: StubLLM
) -> None:
    config = written(tmp_path)
    ocp = tmp_path / "ocp.faiss"
    ocp.unlink()
    model = tmp_path / "data" / "models" / MODEL
    vectors = asyncio.run(vectors_of(model, TEXTS))
    write_foreign_file(ocp, rows_of(TEXTS, vectors))
    original = ocp.read_bytes()
    variables = environment(tmp_path, stub)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lightspeed_core", *arguments],
            cwd=tmp_path,
            env=service_environment(tmp_path / "data", free_port(), variables),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    refused = command("-c", str(config))
    hidden = model.rename(model.with_name("elsewhere"))
    importing = ("import", str(ocp), "--store", "ocp-docs", "--json", "-c", str(config))
    without_model = command(*importing)
    hidden.rename(model)
    imported = command(*importing)
    arguments = json.dumps({"queries": ["which bird stands still in water"]})
    question = {"query": f"Which bird is it? [[tool=file_search {arguments}]]"}
    with running_service(tmp_path / "data", config=config, environment=variables) as service:
        service.wait_until_ready()
        with service.client() as client:
            answer = client.post("/v1/query", json=question).json()

    assert refused.returncode == 2
    assert f"lightspeed-stack import {ocp} --store ocp-docs" in refused.stderr
    assert without_model.returncode == 2
    assert str(model) in without_model.stderr
    assert imported.returncode == 0, imported.stderr
    told = json.loads(imported.stdout)
    assert (told["documents"], told["chunks"], told["embedded"]) == (3, 3, 0)
    assert answer["rag_chunks"][0]["content"] == TEXTS[0]
    assert answer["rag_chunks"][0]["source"] == "ocp-docs"
    assert answer["referenced_documents"][0]["doc_url"] == "https://docs.example.com/0"
    assert ocp.read_bytes() == original


@pytest.mark.requirement("docs.examples")
def test_the_example_of_the_documents_starts_and_answers(tmp_path: Path, stub: StubLLM) -> None:
    endpoint = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": stub.base_url}
    with running_service(tmp_path / "data", config=EXAMPLE, environment=endpoint) as service:
        service.wait_until_ready()
        with service.client() as client:
            answer = client.post("/v1/query", json={"query": "[[say=As documented.]]"})

    assert answer.json()["response"] == "As documented."


@pytest.mark.requirement("unified.written")
@pytest.mark.requirement("cli.flags")
def test_workers_build_it_too_and_a_flag_says_where(tmp_path: Path, stub: StubLLM) -> None:
    named = tmp_path / "built" / "mine.yaml"
    text = FILE.replace("service: {", "service: {workers: 2, ")
    program = (
        sys.executable, "-m", "lightspeed_core", "--synthesized-config-output", str(named),
    )  # fmt: skip
    with running_service(
        tmp_path / "data",
        config=written(tmp_path, text),
        environment=environment(tmp_path, stub),
        program=program,
    ) as service:
        service.wait_until_ready()
        with service.client() as client:
            answer = client.post("/v1/query", json={"query": "[[say=Here I am.]]"})
        service.terminate()
        output = service.output()

    assert answer.json()["response"] == "Here I am."
    assert output.count(f"run configuration was written to {named}") == 2
    assert stat.S_IMODE(named.stat().st_mode) == 0o600
    assert not (tmp_path / "data" / ".generated").exists()


@pytest.mark.requirement("unified.written")
def test_it_is_written_anew_at_every_start(tmp_path: Path, stub: StubLLM) -> None:
    data = tmp_path / "data"
    built = data / ".generated" / "run.yaml"
    built.parent.mkdir(parents=True)
    built.write_text("version: 2\nmodels: [of an older start]\n")
    override = "native_override: {vector_stores: {default_provider_id: faiss_hybrid}}"
    text = FILE.replace("native_override: {}", override)
    with running_service(
        data, config=written(tmp_path, text), environment=environment(tmp_path, stub)
    ) as service:
        service.wait_until_ready()

    tree: dict[str, Any] = yaml.safe_load(built.read_text())
    assert "models" not in tree
    assert tree["vector_stores"]["default_provider_id"] == "faiss_hybrid"


@pytest.mark.requirement("unified.refusal")
@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("{type: sentence_transformers}", "Python package sentence-transformers"),
        ("{type: vertexai}", "Python package google-genai"),
        ("{type: vllm}", "extra.base_url"),
        ("{type: openai, api_key_env: STUB_KEY}", "'STUB_KEY' is not set or empty"),
    ],
)
def test_a_provider_that_cannot_be_served_ends_the_start_with_its_place(
    tmp_path: Path, provider: str, said: str
) -> None:
    text = f"""\
name: n
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true}}
inference: {{providers: [{provider}]}}
user_data_collection: {{}}
"""
    done = run(tmp_path, text)

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("lightspeed-stack: inference.providers[0]")
    assert said in last
