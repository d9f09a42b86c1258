"""Bodies that hold more or other than they say: data to us, and never a page to a browser."""

import base64
from typing import Any

import pytest
from starlette.types import ASGIApp

from lightspeed_core.api.openapi import document
from lightspeed_core.config.root import Configuration
from lightspeed_core.domain.events import TextDelta, TurnCompleted
from tests.support.asgi import client_of
from tests.support.operations import REQUESTS, UNKNOWN_ID
from tests.support.scripted_assistant import STARTED, ScriptedAssistant, turn

PAGE = "<!DOCTYPE html><script>alert(1)</script>"
PICTURE_WITH_SCRIPT = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
POLYGLOT = "%PDF-1.4\n<html><script>alert(1)</script></html>\n%%EOF"
LIES = (("text/plain", PAGE), ("application/xml", PICTURE_WITH_SCRIPT), ("text/plain", POLYGLOT))


def question(content_type: str, content: str, **more: str) -> dict[str, Any]:
    kind = "image" if content_type.startswith("image/") else "log"
    attachment = {"attachment_type": kind, "content_type": content_type, "content": content}
    return {"query": "What is this?", "attachments": [attachment], **more}


@pytest.mark.attack(34)
@pytest.mark.parametrize(("content_type", "content"), LIES)
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
@pytest.mark.parametrize("path", ["/v1/query", "/v1/streaming_query"])
async def test_an_attachment_is_text_and_its_echo_no_page(
    app: ASGIApp,
    assistant: ScriptedAssistant,
    path: str,
    media_type: str,
    content_type: str,
    content: str,
) -> None:
    assistant.steps = [(STARTED, TextDelta((content,)), TurnCompleted(turn(content)))]
    async with client_of(app) as client:
        answer = await client.post(
            path, json=question(content_type, content, media_type=media_type)
        )
    assert answer.status_code == 200
    ((asked, _),) = assistant.started
    assert [each.content for each in asked.attachments] == [content]
    assert answer.headers["content-type"].partition(";")[0] in {
        "application/json",
        "text/event-stream",
        "text/plain",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.attack(34)
@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg"])
@pytest.mark.parametrize("content", [PAGE, PICTURE_WITH_SCRIPT, POLYGLOT])
async def test_a_picture_that_is_none_is_refused(
    app: ASGIApp, assistant: ScriptedAssistant, content_type: str, content: str
) -> None:
    encoded = base64.b64encode(content.encode()).decode()
    async with client_of(app) as client:
        answer = await client.post("/v1/query", json=question(content_type, encoded))
    assert answer.status_code == 422
    assert assistant.started == []


@pytest.mark.attack(35)
async def test_no_operation_takes_fields_that_it_does_not_know(
    app: ASGIApp, configuration: Configuration
) -> None:
    described = document(configuration)["paths"]
    judged: list[str] = []
    async with client_of(app) as client:
        for operation, body in REQUESTS.items():
            method, path = operation.split()
            sent = described[path][method.lower()].get("requestBody", {}).get("content", {})
            if "application/json" not in sent:
                continue
            address = path.format(
                conversation_id=UNKNOWN_ID,
                approval_id=UNKNOWN_ID,
                vector_store_id=UNKNOWN_ID,
                prompt_id=f"pmpt_{'0' * 48}",
            )
            answer = await client.request(method, address, json={**body, "unexpected": {"a": [1]}})
            assert answer.status_code == 422, (operation, answer.text)
            faults = {(fault["type"], fault["loc"][-1]) for fault in answer.json()["detail"]}
            assert ("extra_forbidden", "unexpected") in faults, operation
            judged.append(operation)
    assert {"POST /v1/query", "POST /v1/infer", "POST /v1/feedback"} <= set(judged)


@pytest.mark.attack(35)
async def test_parameters_that_nobody_knows_break_nothing(
    app: ASGIApp, configuration: Configuration
) -> None:
    async with client_of(app) as client:
        for path, item in document(configuration)["paths"].items():
            if "get" in item:
                answer = await client.get(path, params={"unexpected[]": "a", "__proto__": "b"})
                assert str(answer.status_code) in item["get"]["responses"], path
                assert answer.status_code != 500, path
