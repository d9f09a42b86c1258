from typing import Any

import pytest
from starlette.types import ASGIApp

from lightspeed_core.assistant.approvals import Answering
from lightspeed_core.conversations.approvals import Answer
from lightspeed_core.errors import Conflict, Forbidden, LightspeedError, NotFound
from tests.support.asgi import client_of
from tests.support.scripted_assistant import (
    APPROVAL,
    CONVERSATION_ID,
    TURN_ID,
    ScriptedAssistant,
)

PATH = f"/v1/approvals/{APPROVAL.approval_id}"

pytestmark = pytest.mark.requirement("approvals.routes")


async def post(app: ASGIApp, body: Any, path: str = PATH, **headers: str) -> tuple[int, Any]:
    async with client_of(app) as client:
        answer = await client.post(path, json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_open_approvals_are_listed(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/approvals")

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "approvals": [
                {
                    "approval_id": APPROVAL.approval_id,
                    "request_id": TURN_ID,
                    "conversation_id": CONVERSATION_ID,
                    "server": "home",
                    "tool": "heat",
                    "arguments": {"room": 2},
                    "created_at": "2025-11-21T12:00:00+00:00",
                    "expires_at": "2025-11-21T12:05:00+00:00",
                }
            ]
        },
    )


@pytest.mark.parametrize(("approve", "state"), [(True, "approved"), (False, "denied")])
async def test_an_answer_is_handed_on_with_the_headers_that_came_with_it(
    app: ASGIApp, assistant: ScriptedAssistant, approve: bool, state: str
) -> None:
    body = {"approve": approve, "reason": "So be it."}
    headers = {"MCP-HEADERS": '{"home": {"X-Key": "1"}}'}

    status, said = await post(app, body, **headers)

    assert (status, said) == (
        200,
        {
            "approval_id": APPROVAL.approval_id,
            "request_id": TURN_ID,
            "conversation_id": CONVERSATION_ID,
            "state": state,
            "goes_on": False,
        },
    )
    ((answering, _),) = assistant.answered
    assert answering == Answering(
        approval_id=APPROVAL.approval_id,
        answer=Answer(approve=approve, reason="So be it."),
        mcp_headers={"home": {"X-Key": "1"}},
    )


@pytest.mark.parametrize("body", [{"approve": True}, {"approve": True, "reason": None}])
async def test_a_reason_may_be_missing(
    app: ASGIApp, assistant: ScriptedAssistant, body: dict[str, Any]
) -> None:
    assert (await post(app, body))[0] == 200
    assert assistant.answered[0][0].answer == Answer(approve=True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"approve": "yes"},
        {"approve": 1},
        {"approve": None},
        {"approve": True, "reason": "x" * 2001},
        {"approve": True, "reason": "\0"},
        {"approve": True, "colour": "red"},
    ],
)
async def test_a_body_of_another_form_is_refused(
    app: ASGIApp, assistant: ScriptedAssistant, body: dict[str, Any]
) -> None:
    assert (await post(app, body))[0] == 422
    assert assistant.answered == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("approval", APPROVAL.approval_id), 404),
        (Forbidden("no", "not yours"), 403),
        (Conflict("already", "answered"), 409),
    ],
)
async def test_refusals_have_their_statuses(
    app: ASGIApp, assistant: ScriptedAssistant, error: LightspeedError, status: int
) -> None:
    assistant.refusal = error

    assert (await post(app, {"approve": True}))[0] == status


async def test_an_id_of_another_form_is_no_approval(app: ASGIApp) -> None:
    assert (await post(app, {"approve": True}, "/v1/approvals/nope"))[0] == 400
