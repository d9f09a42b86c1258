"""Tools of MCP servers in a started service, with everything captured that leaves it."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.mcp_server import McpTestServer, mcp_server
from tests.support.service import running_service
from tests.support.stub_llm import StubLLM, stub_llm

TOKEN = "callers-own-token-5f1c"
ENDPOINTS = ("/v1/query", "/v1/streaming_query")
CONFIG = """\
name: mcp
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{transcripts_enabled: true, transcripts_storage: {folder}/transcripts}}
knowledge: {{product_docs: false}}
authentication: {{module: noop-with-token, skip_for_health_probes: true}}
mcp_servers:
  - {{name: plain, url: "{plain}", headers: [x-team]}}
  - name: trusted
    url: "{trusted}"
    authorization_headers: {{Authorization: kubernetes}}
"""


@pytest.fixture(scope="module")
def servers() -> Generator[tuple[McpTestServer, McpTestServer]]:
    with mcp_server("plain") as plain, mcp_server("trusted") as trusted:
        yield plain, trusted


@pytest.fixture(scope="module")
def model() -> Generator[StubLLM]:
    with stub_llm() as running:
        yield running


@pytest.mark.requirement("mcp.token")
@pytest.mark.attack(45)
def test_the_callers_token_reaches_only_the_server_that_is_configured_for_it(
    servers: tuple[McpTestServer, McpTestServer], model: StubLLM, tmp_path: Path
) -> None:
    plain, trusted = servers
    config = tmp_path / "lcs.yaml"
    config.write_text(CONFIG.format(folder=tmp_path, plain=plain.url, trusted=trusted.url))
    environment = {"OPENAI_API_KEY": "any", "OPENAI_MODEL": "fake-llm"}
    environment["OPENAI_BASE_URL"] = model.base_url
    environment["LIGHTSPEED_STACK_LOG_LEVEL"] = "DEBUG"
    with running_service(tmp_path / "data", environment=environment, config=config) as service:
        service.wait_until_ready()
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Team": "red", "Cookie": f"a={TOKEN}"}
        with service.client() as client:
            answers = [ask(client, endpoint, headers) for endpoint in ENDPOINTS]
            listed = client.get("/v1/tools", headers=headers)
            assert listed.status_code == 200
        log = service.output()
    for answer in answers:
        assert "mcp_call" in answer
    assert "red" in plain.everything()
    assert "tools/call" in trusted.calls()
    assert TOKEN not in plain.everything()
    assert f"Bearer {TOKEN}" in trusted.everything()
    assert model.requests()
    assert TOKEN not in json.dumps(model.requests())
    assert TOKEN not in json.dumps(model.requests("/v1/models"))
    assert TOKEN not in log
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if TOKEN.encode() in file.read_bytes()]


def ask(client: httpx2.Client, endpoint: str, headers: dict[str, str]) -> str:
    question = '[[tool=plain__add {"a": 1}]] [[tool=trusted__add {"a": 2}]] What is it?'
    body: dict[str, Any] = {"query": question, "generate_topic_summary": False}
    answer = client.post(endpoint, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text
