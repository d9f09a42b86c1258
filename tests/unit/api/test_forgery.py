"""What a page of another site could have sent: forms, and what passes for one, change nothing."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.forgery import CHANGING_METHODS
from lightspeed_core.api.openapi import document
from lightspeed_core.api.state import Services
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.root import Configuration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated
from tests.support.asgi import client_of, with_state
from tests.support.scripted_assistant import ScriptedAssistant

FORMS = (
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "Multipart/Form-Data; boundary=x",
)
BODY = b'{"query": "x", "ignored": "="}'

pytestmark = pytest.mark.requirement("browser.forms")


def takes_files(operation: dict[str, Any]) -> bool:
    return "multipart/form-data" in operation.get("requestBody", {}).get("content", {})


def changing_operations(configuration: Configuration) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path.replace("{", "").replace("}", ""), operation)
        for path, item in document(configuration)["paths"].items()
        for method, operation in item.items()
        if method.upper() in CHANGING_METHODS
    ]


@pytest.mark.attack(38)
async def test_no_operation_takes_a_form_but_for_files_which_judge_the_page_by_themselves(
    app: ASGIApp, assistant: ScriptedAssistant, configuration: Configuration
) -> None:
    operations = changing_operations(configuration)
    assert {("POST", "/v1/query"), ("POST", "/authorized")} <= {each[:2] for each in operations}
    assert [each[1] for each in operations if takes_files(each[2])] == ["/v1/files"]
    async with client_of(app) as client:
        for method, path, operation in operations:
            for form in () if takes_files(operation) else FORMS:
                headers = {"content-type": form}
                answer = await client.request(method, path, content=BODY, headers=headers)
                assert answer.status_code == 415, (method, path, form)
                assert "application/json" in answer.json()["detail"]["cause"]
            assert {"403", "415", "421"} <= set(operation["responses"]), (method, path)
    assert (assistant.started, assistant.inferred, assistant.interrupted) == ([], [], [])


class RefusingAuthenticator:
    async def authenticate(self, credentials: Credentials) -> Identity:
        del credentials
        raise Unauthenticated("No Authorization header found")


@pytest.mark.attack(38)
async def test_an_unknown_caller_is_told_so_before_the_form_is_looked_at(
    bare: FastAPI, services: Services, configuration: Configuration
) -> None:
    app = with_state(bare, replace(services, authenticator=RefusingAuthenticator()))
    async with client_of(app) as client:
        for method, path, _ in changing_operations(configuration):
            headers = {"content-type": "text/plain"}
            answer = await client.request(method, path, content=BODY, headers=headers)
            assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize(
    "body_type", ["application/xml", "application/octet-stream", "json", "x/json"]
)
async def test_a_body_that_is_declared_as_something_else_is_not_read(
    app: ASGIApp, assistant: ScriptedAssistant, body_type: str
) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            "/v1/query", content=b'{"query": "x"}', headers={"content-type": body_type}
        )
    assert answer.status_code == 415
    assert assistant.started == []


@pytest.mark.parametrize(
    "body_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.api+json",
        None,
    ],
)
async def test_json_is_read_under_any_of_its_names_and_without_one(
    app: ASGIApp, assistant: ScriptedAssistant, body_type: str | None
) -> None:
    headers = {"content-type": body_type} if body_type else {}
    async with client_of(app) as client:
        answer = await client.post("/v1/query", content=b'{"query": "x"}', headers=headers)
    assert answer.status_code == 200, answer.text
    ((asked, _),) = assistant.started
    assert asked.query == "x"


@pytest.mark.attack(38)
@pytest.mark.parametrize(
    "sent_by_page", [{"origin": "http://localhost:3000"}, {"sec-fetch-site": "cross-site"}], ids=str
)
async def test_a_body_without_a_type_is_not_taken_from_a_page(
    app: ASGIApp, assistant: ScriptedAssistant, sent_by_page: dict[str, str]
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/query", content=BODY, headers=sent_by_page)
    assert answer.status_code == 415
    assert assistant.started == []


@pytest.mark.attack(38)
@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("cross-site", "no-cors", 403),
        ("cross-site", "navigate", 403),
        ("same-site", "navigate", 403),
        ("cross-site", "cors", 200),
        ("same-origin", "same-origin", 200),
        ("none", "navigate", 200),
    ],
)
async def test_a_request_without_a_body_is_refused_where_the_browser_did_not_ask(
    app: ASGIApp, site: str, mode: str, status: int
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    async with client_of(app) as client:
        assert (await client.post("/authorized", headers=headers)).status_code == status
        assert (await client.get("/v1/models", headers=headers)).status_code == 200
