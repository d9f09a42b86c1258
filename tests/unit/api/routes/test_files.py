"""`/v1/files`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from tests.support.asgi import client_of, with_state

ANN = "?user_id=ann"
BOUNDARY = "limit"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(
    content: bytes, *, name: str = "file", filename: str = "notes.md", end: bytes = b"--"
) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"'
    return head.encode() + b"\r\n\r\n" + content + f"\r\n--{BOUNDARY}".encode() + end + b"\r\n"


@pytest.fixture
def store() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def limits() -> ServiceLimits:
    return ServiceLimits(max_file_bytes=300_000, body_timeout_seconds=1)


@pytest.fixture
def app(bare: FastAPI, services: Services, store: MemoryFiles, limits: ServiceLimits) -> ASGIApp:
    service = services.configuration.service.model_copy(update={"limits": limits})
    configuration = services.configuration.model_copy(update={"service": service})
    return with_state(bare, replace(services, configuration=configuration, files=Files(store)))


async def uploaded(client: httpx2.AsyncClient, name: str, content: bytes) -> dict[str, Any]:
    answer = await client.post(f"/v1/files{ANN}", files={"file": (name, content)})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_answered_listed_shown_and_deleted(
    app: ASGIApp, store: MemoryFiles
) -> None:
    content = bytes(range(256)) * 1100
    async with client_of(app) as client:
        file = await uploaded(client, "notes", content)
        listed = await client.get(f"/v1/files{ANN}")
        shown = await client.get(f"/v1/files/{file['id']}{ANN}")
        kept = b"".join([part async for part in store.read(file["id"])])
        deleted = await client.delete(f"/v1/files/{file['id']}{ANN}")
        again = await client.delete(f"/v1/files/{file['id']}{ANN}")

    assert file == {
        "id": file["id"],
        "filename": "notes.txt",
        "bytes": len(content),
        "created_at": file["created_at"],
        "purpose": "assistants",
        "object": "file",
    }
    assert kept == content
    assert (listed.json(), shown.json()) == ({"data": [file], "object": "list"}, file)
    outcome = {"deleted": True, "response": "File deleted successfully", "file_id": file["id"]}
    assert deleted.json() == outcome
    assert again.json() == outcome | {"deleted": False, "response": "File not found"}


async def test_other_fields_of_the_form_are_passed_over(app: ASGIApp, store: MemoryFiles) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            f"/v1/files{ANN}", data={"purpose": "assistants"}, files={"file": ("a.md", b"x")}
        )

    assert answer.status_code == 200, answer.text
    assert b"".join([part async for part in store.read(answer.json()["id"])]) == b"x"


@pytest.mark.requirement("files.limits")
@pytest.mark.attack(28)
async def test_a_file_over_the_limit_is_413_by_what_it_says_and_by_what_it_is(
    app: ASGIApp, store: MemoryFiles
) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        body = form(b"x" * 300_001)
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    async with client_of(app) as client:
        said = await client.post(
            f"/v1/files{ANN}", headers={"content-type": FORM}, content=form(b"x" * 400_000)
        )
        counted = await client.post(
            f"/v1/files{ANN}", headers={"content-type": FORM}, content=in_pieces()
        )
        largest = await client.post(f"/v1/files{ANN}", files={"file": ("a.md", b"x" * 300_000)})

    for answer in (said, counted):
        assert answer.status_code == 413
        assert answer.json()["detail"]["response"] == "File too large"
        assert "exceeds maximum allowed size of 300000 bytes" in answer.text
    assert largest.status_code == 200
    assert [file.size for file in await store.list("ann")] == [300_000]


@pytest.mark.requirement("files.limits")
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (FORM, form(b"x", name="other"), 422),
        (FORM, form(b"x")[:-6], 400),
        (FORM, form(b"x", end=b"") + form(b"y")[len(BOUNDARY) + 4 :], 400),
        (FORM, b"garbage", 400),
        (FORM, b"", 422),
        ("multipart/form-data", form(b"x"), 400),
        (f"multipart/form-data; boundary={'x' * 1000}", form(b"x"), 400),
        ("application/json", b"{}", 415),
        ("application/octet-stream", b"x", 415),
    ],
)
async def test_what_is_no_form_with_one_file_is_refused(
    app: ASGIApp, store: MemoryFiles, content_type: str, body: bytes, status: int
) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            f"/v1/files{ANN}", headers={"content-type": content_type}, content=body
        )

    assert answer.status_code == status, answer.text
    assert await store.list("ann") == []


@pytest.mark.requirement("files.limits")
async def test_a_file_that_stalls_is_408(app: ASGIApp, store: MemoryFiles) -> None:
    messages = iter([{"type": "http.request", "body": form(b"x" * 100)[:90], "more_body": True}])
    answers: list[Any] = []

    async def receive() -> Any:
        for message in messages:
            return message
        await asyncio.Event().wait()
        return None

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/files",
        "raw_path": b"/v1/files",
        "query_string": b"user_id=ann",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"localhost"), (b"content-type", FORM.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)

    assert answers[0]["status"] == 408
    assert await store.list("ann") == []


@pytest.mark.requirement("files.pages")
@pytest.mark.attack(38)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://localhost"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
async def test_a_page_of_another_site_hands_over_nothing(
    app: ASGIApp, store: MemoryFiles, headers: dict[str, str], status: int
) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            f"/v1/files{ANN}", headers=headers, files={"file": ("a.md", b"x")}
        )

    assert answer.status_code == status, answer.text
    assert len(await store.list("ann")) == (status == 200)


async def test_another_user_s_file_is_403_and_an_unknown_one_404(app: ASGIApp) -> None:
    async with client_of(app) as client:
        file = await uploaded(client, "a.md", b"x")
        shown = await client.get(f"/v1/files/{file['id']}?user_id=ben")
        deleted = await client.delete(f"/v1/files/{file['id']}?user_id=ben")
        unknown = await client.get(f"/v1/files/{file['id'][:-1]}{ANN}")
        left = await client.get(f"/v1/files/{file['id']}{ANN}")

    assert (shown.status_code, deleted.status_code, unknown.status_code) == (403, 403, 404)
    assert unknown.json()["detail"]["response"] == "File not found"
    assert left.status_code == 200
