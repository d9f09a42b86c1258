"""What the contract promises of services that are configured in a certain way."""

import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.service import Service, running_service
from tests.support.streams import WireEvent, read_frames, text_of

CONFIG = """\
name: strict
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
customization: {{disable_query_system_prompt: true}}
user_data_collection:
  feedback_enabled: true
  feedback_storage: {folder}/shared/feedback
  transcripts_enabled: true
  transcripts_storage: {folder}/shared/transcripts
"""
SILENT: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}
STOP_SECONDS = 30


@pytest.fixture
def strict(tmp_path: Path, model_environment: dict[str, str]) -> Generator[Service]:
    """A service that takes no system prompts and keeps what users say."""
    config = tmp_path / "lcs.yaml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with running_service(
        tmp_path / "data", environment=model_environment, config=config
    ) as started:
        started.wait_until_ready()
        yield started


@pytest.fixture
def client(strict: Service) -> Generator[httpx2.Client]:
    with strict.client() as client:
        yield client


@pytest.mark.requirement("query.system-prompt")
def test_a_system_prompt_is_refused_where_it_is_switched_off(client: httpx2.Client) -> None:
    body = {"query": "x", "system_prompt": "Be a pirate."} | SILENT
    for endpoint in ("/v1/query", "/v1/streaming_query"):
        answer = client.post(endpoint, json=body)

        assert answer.status_code == 422
        detail = answer.json()["detail"]
        assert detail["response"] == "System prompt customization is disabled"
        assert "disable_query_system_prompt" in detail["cause"]
        assert client.post(endpoint, json=body | {"system_prompt": None}).status_code == 200


@pytest.mark.requirement("stop.drain")
@pytest.mark.requirement("transcript.file")
def test_a_service_that_ends_in_mid_stream_leaves_no_half_file(
    client: httpx2.Client, strict: Service, tmp_path: Path
) -> None:
    seen: list[WireEvent] = []
    body = {"query": "x [[tokens=40]] [[delay=50]]"} | SILENT
    with client.stream("POST", "/v1/streaming_query", json=body) as answer:
        for event in read_frames(answer.iter_text()):
            seen.append(event)
            if len(seen) == 5:
                strict.process.send_signal(signal.SIGTERM)
    strict.process.wait(STOP_SECONDS)

    assert seen[-1].event == "end"
    (file,) = (path for path in (tmp_path / "shared").rglob("*") if path.is_file())
    assert json.loads(file.read_text())["llm_response"] == text_of(seen)
