"""Vector stores made over the API: filled while the service is killed, and by two workers."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.support.service import running_service
from tests.support.worker_pair import connected, pair_of_workers

CONFIG = """\
name: stores
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
knowledge: {product_docs: false}
"""
SECTIONS: Final = 300
# Vectors are stored in larger groups than they are computed in.
STORED: Final = 80
WAIT_SECONDS: Final = 120


def manual(sections: int = SECTIONS) -> bytes:
    """Write a document that takes a while to be embedded."""
    body = "\n\n".join(
        f"## Part {part}\n\n" + f"Valve {part} opens at a pressure of {part} bar. " * 8
        for part in range(sections)
    )
    return f"# Pumps\n\n{body}\n".encode()


def made(client: httpx2.Client, name: str) -> str:
    answer = client.post("/v1/vector-stores", json={"name": name, "metadata": {"team": "pumps"}})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def handed_over(client: httpx2.Client, content: bytes) -> str:
    answer = client.post("/v1/files", files={"file": ("pumps.md", content)})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def attached(client: httpx2.Client, store_id: str, file_id: str) -> dict[str, Any]:
    body = {"file_id": file_id, "attributes": {"title": "All about pumps"}}
    answer = client.post(f"/v1/vector-stores/{store_id}/files", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def until(
    client: httpx2.Client, path: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Ask until the answer holds, and return it."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds(shown := client.get(path).json()):
        assert time.monotonic() < end, shown
        time.sleep(0.05)
    return shown


def is_half_done(file: dict[str, Any]) -> bool:
    assert file["status"] == "in_progress", file
    return file["progress"]["chunks_embedded"] >= STORED


def is_over(file: dict[str, Any]) -> bool:
    return file["status"] != "in_progress"


def passages(client: httpx2.Client, store_id: str) -> list[dict[str, Any]]:
    body = {
        "query": "At which pressure does valve 7 open?",
        "vector_store_ids": [store_id],
        "generate_topic_summary": False,
    }
    answer = client.post("/v1/query", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["rag_chunks"]


@pytest.mark.requirement("vector-stores.made")
@pytest.mark.requirement("vector-stores.files")
def test_a_store_and_the_work_on_its_files_outlive_a_killed_service(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    config = tmp_path / "lcs.yaml"
    config.write_text(CONFIG)
    data = tmp_path / "data"
    with running_service(data, environment=model_environment, config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            store_id = made(client, "pumps")
            file_id = handed_over(client, manual())
            path = f"/v1/vector-stores/{store_id}/files/{file_id}"
            begun = attached(client, store_id, file_id)
            until(client, path, is_half_done)
            service.kill()

    with running_service(data, environment=model_environment, config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            shown = client.get(f"/v1/vector-stores/{store_id}").json()
            resumed = client.get(path).json()
            done = until(client, path, is_over)
            found = passages(client, store_id)
            deleted = client.delete(f"/v1/vector-stores/{store_id}").json()
            gone = client.get(path)

    assert (shown["name"], shown["metadata"]) == ("pumps", {"team": "pumps"})
    assert (begun["status"], resumed["status"], done["status"]) == (
        "in_progress",
        "in_progress",
        "completed",
    )
    # What had its vector before is not embedded again.
    assert 0 < done["progress"]["chunks_embedded"] < SECTIONS
    assert any("Valve 7 opens" in each["content"] for each in found)
    assert (deleted["deleted"], gone.status_code) == (True, 404)


@pytest.mark.requirement("vector-stores.files")
def test_two_workers_know_the_same_and_one_of_them_works(
    tmp_path: Path, model_environment: dict[str, str]
) -> None:
    with pair_of_workers(tmp_path, model_environment) as service, connected(service) as clients:
        one, other = clients
        store_id = made(one, "pumps")
        file_id = handed_over(other, manual())
        path = f"/v1/vector-stores/{store_id}/files/{file_id}"
        attached(one, store_id, file_id)
        seen = until(other, path, is_half_done)
        taken_out = other.delete(path).json()
        gone = [client.get(path).status_code for client in clients]
        nothing = passages(one, store_id)

        attached(other, store_id, file_id)
        done = [until(client, path, is_over) for client in clients]
        found = [passages(client, store_id) for client in clients]
        indexed = service.output().count(f"document embedded document_id={file_id}")

    assert seen["progress"]["chunks_total"] >= SECTIONS
    assert (taken_out["deleted"], gone, nothing) == (True, [404, 404], [])
    assert done[0] == done[1]
    assert done[0]["status"] == "completed"
    assert done[0]["progress"]["chunks_embedded"] == done[0]["progress"]["chunks_total"]
    assert all("Valve 7 opens" in str(each) for each in found)
    assert indexed == 1
