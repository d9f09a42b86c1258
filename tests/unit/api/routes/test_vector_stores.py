"""`/v1/vector-stores`, over an engine in memory and its files' way into stores."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.sources import SourceSettings
from lightspeed_core.engine.types import NewVectorStore
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from tests.support.asgi import client_of, with_state
from tests.support.databases import eventually
from tests.support.handing_over import files_in_memory, working

ANN = {"user_id": "ann"}
NOTES = b"# Zebras\n\nA zebra has stripes.\n\n# Gnus\n\nA gnu has horns.\n"


@pytest.fixture
async def client(bare: FastAPI, services: Services) -> AsyncGenerator[httpx2.AsyncClient]:
    files = MemoryFiles()
    worker = files_in_memory(services.engine, files)
    filling = replace(services, files=Files(files), handed_over=worker)
    async with working(worker), client_of(with_state(bare, filling)) as client:
        yield client


async def made(client: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1/vector-stores", json={"name": "manuals", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def handed_over(client: httpx2.AsyncClient, name: str, content: bytes) -> str:
    answer = await client.post("/v1/files", params=ANN, files={"file": (name, content)})
    return answer.json()["id"]


async def settled(client: httpx2.AsyncClient, store_id: str, file_id: str) -> dict[str, Any]:
    """Return a file of a store once nothing more happens to it."""

    async def look() -> dict[str, Any] | None:
        answer = await client.get(f"/v1/vector-stores/{store_id}/files/{file_id}")
        return None if answer.json()["status"] == "in_progress" else answer.json()

    found = await eventually(look, within=30)
    assert found is not None
    return found


@pytest.mark.requirement("vector-stores.made")
async def test_a_store_is_made_shown_listed_changed_and_deleted(
    client: httpx2.AsyncClient,
) -> None:
    store = await made(client, metadata={"team": "docs"})
    address = f"/v1/vector-stores/{store['id']}"
    shown = await client.get(address)
    listed = await client.get("/v1/vector-stores")
    changed = await client.put(address, json={"name": "handbooks", "metadata": {"a": 1}})
    deleted = await client.delete(address)
    again = await client.delete(address)
    gone = await client.get(address)

    assert set(store) == {
        "id",
        "name",
        "created_at",
        "last_active_at",
        "expires_at",
        "status",
        "usage_bytes",
        "metadata",
        "object",
    }
    assert (store["name"], store["metadata"]) == ("manuals", {"team": "docs"})
    assert shown.json()["id"] == store["id"]
    assert store["id"] in [each["id"] for each in listed.json()["data"]]
    assert (changed.json()["name"], changed.json()["metadata"]) == ("handbooks", {"a": 1})
    outcome = {"deleted": True, "response": "Vector store deleted successfully"}
    assert deleted.json() == outcome | {"vector_store_id": store["id"]}
    assert again.json()["deleted"] is False
    assert gone.status_code == 404
    assert gone.json()["detail"]["response"] == "Vector Store not found"


@pytest.mark.parametrize(
    ("method", "body", "message"),
    [
        ("POST", {"name": ""}, "at least 1 character"),
        ("POST", {"name": "x" * 257}, "at most 256 characters"),
        ("POST", {"name": "x", "embedding_dimension": 0}, "greater than 0"),
        ("POST", {"name": "x", "unknown": 1}, "Extra inputs"),
        ("POST", {"name": "x", "chunking_strategy": {"type": "static"}}, "Field required"),
        ("POST", {"name": "x", "chunking_strategy": {"type": "odd"}}, "'auto', 'static'"),
        ("PUT", {}, "At least one field must be provided: name, expires_at, or metadata"),
        ("PUT", {"expires_at": 0}, "greater than 0"),
    ],
)
async def test_a_body_of_the_wrong_form_is_422(
    client: httpx2.AsyncClient, method: str, body: dict[str, Any], message: str
) -> None:
    address = "/v1/vector-stores" if method == "POST" else "/v1/vector-stores/any"

    answer = await client.request(method, address, json=body)

    assert answer.status_code == 422
    assert message in answer.text


@pytest.mark.requirement("vector-stores.files")
async def test_a_file_is_indexed_in_the_background_and_taken_out_again(
    client: httpx2.AsyncClient,
) -> None:
    store_id = (await made(client))["id"]
    file_id = await handed_over(client, "animals.md", NOTES)
    files = f"/v1/vector-stores/{store_id}/files"

    body = {"file_id": file_id, "attributes": {"team": "zoo", "year": 2026, "draft": False}}
    begun = await client.post(files, params=ANN, json=body)
    done = await settled(client, store_id, file_id)
    listed = await client.get(files)
    taken_out = await client.delete(f"{files}/{file_id}")
    again = await client.delete(f"{files}/{file_id}")
    gone = await client.get(f"{files}/{file_id}")
    kept = await client.get(f"/v1/files/{file_id}", params=ANN)

    assert begun.status_code == 200, begun.text
    assert begun.json()["status"] == "in_progress"
    assert (done["status"], done["last_error"]) == ("completed", None)
    assert done["attributes"] == body["attributes"]
    assert done["progress"]["chunks_embedded"] == done["progress"]["chunks_total"] > 0
    assert listed.json() == {"data": [done], "object": "list"}
    outcome = {"deleted": True, "response": "File deleted successfully", "file_id": file_id}
    assert (taken_out.json(), again.json()["deleted"]) == (outcome, False)
    assert (gone.status_code, kept.status_code) == (404, 200)


@pytest.mark.requirement("vector-stores.files")
async def test_a_file_that_cannot_be_read_says_why(client: httpx2.AsyncClient) -> None:
    store_id = (await made(client))["id"]
    file_id = await handed_over(client, "broken.pdf", b"%PDF-1.7\nnonsense")

    await client.post(f"/v1/vector-stores/{store_id}/files", params=ANN, json={"file_id": file_id})
    done = await settled(client, store_id, file_id)

    assert done["status"] == "failed"
    assert done["last_error"]["code"] == "invalid_file"
    assert done["last_error"]["message"]


@pytest.mark.requirement("vector-stores.files")
async def test_a_file_of_others_is_403_and_an_unknown_one_404(client: httpx2.AsyncClient) -> None:
    store_id = (await made(client))["id"]
    file_id = await handed_over(client, "animals.md", NOTES)
    files = f"/v1/vector-stores/{store_id}/files"

    foreign = await client.post(files, params={"user_id": "ben"}, json={"file_id": file_id})
    unknown = await client.post(files, params=ANN, json={"file_id": "file-0"})
    nowhere = await client.post("/v1/vector-stores/none/files", json={"file_id": file_id})

    assert (foreign.status_code, unknown.status_code, nowhere.status_code) == (403, 404, 404)
    assert unknown.json()["detail"]["response"] == "File not found"


@pytest.mark.parametrize(
    "attributes",
    [
        {str(number): "x" for number in range(17)},
        {"x" * 65: "x"},
        {"x": "y" * 513},
        {"x": None},
        {"x": ["y"]},
    ],
)
async def test_attributes_of_the_wrong_form_are_422(
    client: httpx2.AsyncClient, attributes: dict[str, Any]
) -> None:
    answer = await client.post(
        "/v1/vector-stores/any/files", json={"file_id": "file-0", "attributes": attributes}
    )

    assert answer.status_code == 422


@pytest.mark.requirement("access.stores")
async def test_a_store_that_one_may_not_read_is_not_there(
    bare: FastAPI, services: Services
) -> None:
    made = await services.engine.create_vector_store(NewVectorStore(name="secret"))
    settings = SourceSettings(access={made.store_id: frozenset({"ops"})})
    path = f"/v1/vector-stores/{made.store_id}"
    async with client_of(with_state(bare, replace(services, source_settings=settings))) as client:
        listed = await client.get("/v1/vector-stores")
        deleted = await client.delete(path)
        answers = [
            await client.get(path),
            await client.put(path, json={"name": "open"}),
            await client.get(f"{path}/files"),
            await client.post(f"{path}/files", json={"file_id": "file-0"}),
            await client.get(f"{path}/files/file-0"),
            await client.delete(f"{path}/files/file-0"),
        ]

    assert (listed.json()["data"], deleted.json()["deleted"]) == ([], False)
    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["detail"]["response"] == "Vector Store not found"
    assert (await services.engine.vector_store(made.store_id)).name == "secret"


@pytest.mark.requirement("vector-stores.files")
async def test_a_file_is_cut_as_it_says_else_as_its_store_says(client: httpx2.AsyncClient) -> None:
    def of(tokens: int) -> dict[str, Any]:
        return {"type": "static", "static": {"max_chunk_size_tokens": tokens}}

    text = b"# Zebras\n\n" + b"A zebra has stripes, and they are black and white. " * 60
    store_id = (await made(client, chunking_strategy=of(40)))["id"]
    chunks: list[int] = []
    for strategy in (None, of(80), {"type": "auto"}):
        file_id = await handed_over(client, "animals.md", text)
        body = {"file_id": file_id, "chunking_strategy": strategy}
        await client.post(f"/v1/vector-stores/{store_id}/files", params=ANN, json=body)
        done = await settled(client, store_id, file_id)
        chunks.append(done["progress"]["chunks_total"])

    assert chunks[0] > chunks[1] > chunks[2] > 1
