"""Stores that ask for a role, as callers with signed tokens meet them."""

import time
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.support.ingesting import write_files
from tests.support.key_server import key_server
from tests.support.service import running_service
from tests.support.streams import parse_stream
from tests.support.tokens import claims_of, token_key

WAIT_SECONDS: Final = 90
KEY = token_key("stores")
CONFIG = """\
name: roles
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}"}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
authentication:
  skip_for_health_probes: true
  module: jwk-token
  jwk_config:
    url: {url}
    jwt_configuration:
      role_rules:
      - {{jsonpath: "$.realm_access.roles[*]", operator: contains, value: ops, roles: [ops]}}
knowledge:
  folders:
  - {{path: {folder}/open, store: handbook}}
  - {{path: {folder}/closed, store: runbooks}}
rag:
  access: {{runbooks: [ops]}}
"""
QUESTION = {"query": "Which valve opens in an emergency?"}


def headers_of(user: str, *roles: str) -> dict[str, str]:
    claims = claims_of(user, user_id=user, realm_access={"roles": roles})
    return {"Authorization": f"Bearer {KEY.sign(claims)}"}


def wait_for_stores(client: httpx2.Client, headers: dict[str, str]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not found(client, headers, "runbooks"):
        assert time.monotonic() < until
        time.sleep(0.2)


def found(client: httpx2.Client, headers: dict[str, str], store: str) -> list[str]:
    """Ask one store; gives the texts of its passages, none where it is not there."""
    answer = client.post(
        "/v1/query", json=QUESTION | {"vector_store_ids": [store]}, headers=headers
    )
    chunks: list[dict[str, Any]] = answer.json().get("rag_chunks", [])
    return [chunk["content"] for chunk in chunks]


@pytest.mark.attack(24)
@pytest.mark.requirement("access.stores")
def test_a_store_of_a_role_is_read_by_its_callers_and_unknown_to_all_others(
    tmp_path: Path,
) -> None:
    write_files(
        tmp_path,
        {
            "open/valves.md": "# Valves\n\nThe green valve opens in an emergency drill.\n",
            "closed/valves.md": "# Valves\n\nThe secret valve opens in an emergency.\n",
        },
    )
    config = tmp_path / "lcs.yaml"
    ann, bob = headers_of("ann", "ops"), headers_of("bob", "dev")
    with key_server(KEY) as keys:
        config.write_text(CONFIG.format(url=keys.url, folder=tmp_path))
        with running_service(tmp_path / "data", config=config) as service:
            service.wait_until_listening()
            with service.client() as client:
                wait_for_stores(client, ann)
                rags = [client.get("/v1/rags", headers=who).json()["rags"] for who in (ann, bob)]
                named = found(client, ann, "runbooks")
                refused = client.post(
                    "/v1/query", json=QUESTION | {"vector_store_ids": ["runbooks"]}, headers=bob
                )
                unknown = client.post(
                    "/v1/query", json=QUESTION | {"vector_store_ids": ["runbooky"]}, headers=bob
                )
                answers = [
                    client.post("/v1/query", json=QUESTION, headers=who).json()
                    for who in (ann, bob)
                ]
                streamed = parse_stream(
                    client.post("/v1/streaming_query", json=QUESTION, headers=bob).text
                )

    assert [[name for name in each if name != "product-docs"] for each in rags] == [
        ["handbook", "runbooks"],
        ["handbook"],
    ]
    assert "secret valve" in named[0]
    assert refused.status_code == unknown.status_code == 404
    assert refused.text.replace("runbooks", "runbooky") == unknown.text
    assert "secret valve" in str(answers[0])
    assert "green valve" in str(answers[1])
    assert "secret" not in str(answers[1])
    assert "secret" not in str(streamed)
    assert streamed[-1].event == "end"
