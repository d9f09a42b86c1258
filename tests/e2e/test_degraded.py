"""Llama Stack inside the process whose database is away at the start, and comes later."""

import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.postgres import DATABASE, USER, Postgres
from tests.support.service import ROOT, running_service
from tests.support.stub_llm import StubLLM

BOUND_SECONDS = 90
RUN_CONFIG = ROOT / "docs" / "examples" / "run-openai-pgvector.yaml"
CONFIG = f"""\
name: degraded
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack:
  use_as_library_client: true
  library_client_config_path: {RUN_CONFIG}
  allow_degraded_mode: true
user_data_collection: {{}}
"""
QUESTION: dict[str, Any] = {"query": "hello", "vector_store_ids": []}


def wait_for_reason(client: httpx2.Client, reason: str) -> httpx2.Response:
    until = time.monotonic() + BOUND_SECONDS
    while (answer := client.get("/readiness")).json()["reason"] != reason:
        assert time.monotonic() < until, answer.text
        time.sleep(0.2)
    return answer


@pytest.mark.requirement("engine.degraded")
def test_a_service_whose_stack_could_not_boot_is_whole_when_its_database_comes(
    tmp_path: Path, postgres: Postgres, stub: StubLLM
) -> None:
    config = tmp_path / "lcs.yaml"
    config.write_text(CONFIG)
    socket_folder = tmp_path / "socket"
    environment = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": stub.base_url,
        "OPENAI_MODEL": "fake-llm",
        "PGVECTOR_HOST": str(socket_folder),
        "PGVECTOR_DB": DATABASE,
        "PGVECTOR_USER": USER,
        "PGVECTOR_PASSWORD": "any",
    }
    with (
        running_service(tmp_path / "data", config=config, environment=environment) as service,
        service.client() as client,
    ):
        service.wait_until_listening()
        degraded = wait_for_reason(client, "Service running in degraded mode")
        assert (degraded.status_code, degraded.json()["overall_status"]) == (200, "degraded")
        refused = client.post("/v1/query", json=QUESTION)
        assert refused.status_code == 503
        assert "pgvector" in refused.json()["detail"]["cause"]

        socket_folder.symlink_to(postgres.folder)
        whole = wait_for_reason(client, "All providers are healthy")

        assert (whole.status_code, whole.json()["overall_status"]) == (200, "healthy")
        answer = client.post("/v1/query", json=QUESTION)
        assert answer.status_code == 200, answer.text
        assert "ls_started_in_degraded_mode 1.0" in client.get("/metrics").text
