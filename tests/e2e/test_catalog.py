"""What the service has and how it is set, listed by a running service in library mode."""

import re
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.support.service import ROOT, Service, running_service

SECRET = "hunter2-of-the-operator"
STORE = "product-docs"
BOUND_SECONDS = 5
WITHOUT_STORE: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}


@pytest.fixture(scope="module")
def client(service: Service) -> Generator[httpx2.Client]:
    with service.client() as client:
        yield client


def value_of(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


@pytest.mark.requirement("api.catalog")
@pytest.mark.parametrize("name", ["shields", "tools", "providers", "rags", "skills"])
def test_a_list_stands_under_its_name(client: httpx2.Client, name: str) -> None:
    answer = client.get(f"/v1/{name}")

    assert answer.status_code == 200
    assert set(answer.json()) == {name}


@pytest.mark.requirement("api.catalog")
def test_documents_that_are_searched_without_the_model_are_no_tool(client: httpx2.Client) -> None:
    assert client.get("/v1/tools").json() == {"tools": []}


@pytest.mark.requirement("api.catalog")
def test_every_listed_provider_is_shown_with_its_health(client: httpx2.Client) -> None:
    by_api = client.get("/v1/providers").json()["providers"]
    assert {"provider_id": "openai", "provider_type": "remote::openai_compatible"} in by_api[
        "inference"
    ]
    for listed in [each for providers in by_api.values() for each in providers]:
        answer = client.get(f"/v1/providers/{listed['provider_id']}")
        assert answer.status_code == 200
        shown = answer.json()
        assert set(shown) == {"api", "config", "health", "provider_id", "provider_type"}
        assert shown["health"]["status"] in {"OK", "Not Implemented"}
    openai = client.get("/v1/providers/openai")
    assert openai.json()["health"]["status"] == "OK"
    assert "sk-test" not in openai.text


@pytest.mark.requirement("api.catalog")
@pytest.mark.parametrize(("path", "name"), [("providers", "Provider"), ("rags", "Rag")])
def test_what_is_not_listed_is_not_found(client: httpx2.Client, path: str, name: str) -> None:
    answer = client.get(f"/v1/{path}/nope")

    assert answer.status_code == 404
    assert answer.json()["detail"] == {
        "response": f"{name} not found",
        "cause": f"{name} with ID nope does not exist",
    }


@pytest.mark.requirement("api.catalog")
def test_the_store_of_the_documents_tells_of_itself(client: httpx2.Client) -> None:
    assert client.get("/v1/rags").json() == {"rags": [STORE]}

    shown = client.get(f"/v1/rags/{STORE}").json()

    assert (shown["id"], shown["object"]) == (STORE, "vector_store")
    assert shown["created_at"] > 1_700_000_000
    assert shown["status"] in {"completed", "in_progress"}


@pytest.mark.requirement("api.config")
def test_the_configuration_is_shown_without_its_secrets(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "lightspeed-stack.yaml").read_text(encoding="utf-8"))
    content["llama_stack"]["api_key"] = SECRET
    content["llama_stack"]["library_client_config_path"] = "shipped:run.yaml"
    content["knowledge"] = {"product_docs": False}
    file = tmp_path / "lcs.yaml"
    file.write_text(yaml.safe_dump(content))
    with running_service(tmp_path / "data", config=file) as service, service.client() as client:
        service.wait_until_listening()
        answer = client.get("/v1/config")

    assert answer.status_code == 200
    assert set(answer.json()) == {"configuration"}
    shown = answer.json()["configuration"]
    assert shown["llama_stack"]["api_key"] == "**********"
    assert shown["service"]["port"] == service.port
    assert SECRET not in answer.text


@pytest.mark.requirement("metrics.scrape")
@pytest.mark.parametrize("endpoint", ["/v1/query", "/v1/streaming_query"])
def test_a_question_is_counted(client: httpx2.Client, endpoint: str) -> None:
    def counted() -> list[float]:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        call = f'{{endpoint="{endpoint}",model="fake-llm",provider="openai"'
        samples = [
            f'ls_rest_api_calls_total{{path="{endpoint}",status_code="200"}}',
            f"ls_llm_calls_total{call}}}",
            f'ls_llm_inference_duration_seconds_count{call},result="success"}}',
            f'ls_response_duration_seconds_count{{path="{endpoint}"}}',
        ]
        return [value_of(answer.text, sample) for sample in samples]

    before = counted()
    asked = client.post(endpoint, json={"query": "x [[tokens=20]]"} | WITHOUT_STORE)
    assert asked.status_code == 200

    # A stream is counted when its last byte has gone, which its reader has then seen already.
    until = time.monotonic() + BOUND_SECONDS
    while (after := counted()) != [value + 1 for value in before] and time.monotonic() < until:
        time.sleep(0.02)
    assert after == [value + 1 for value in before]
    text = client.get("/metrics").text
    labels = f'{{endpoint="{endpoint}",model="fake-llm",provider="openai"}}'
    assert value_of(text, f"ls_llm_token_sent_total{labels}") > 0
    assert value_of(text, f"ls_llm_token_received_total{labels}") >= 20
    gauge = 'ls_provider_model_configuration{model="openai/fake-llm",provider="openai"}'
    assert value_of(text, gauge) == 1
