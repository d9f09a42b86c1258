"""`/v1/feedback` and its status."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from lightspeed_core.constants import DEFAULT_USER_ID
from tests.support.asgi import client_of
from tests.support.feedback import GOOD
from tests.support.scripted_assistant import CONVERSATION_ID

NO_FORM = (
    "Value error, At least one form of feedback must be provided: "
    "'sentiment', 'user_feedback', or 'categories'"
)
BARE: dict[str, Any] = {"sentiment": None, "user_feedback": None, "categories": None}
WRONG: list[tuple[dict[str, Any], list[str], str]] = [
    (BARE, ["body"], NO_FORM),
    (BARE | {"user_feedback": "", "categories": []}, ["body"], NO_FORM),
    (
        {"sentiment": 0},
        ["body", "sentiment"],
        "Value error, Improper sentiment value of 0, needs to be -1 or 1",
    ),
    (
        {"conversation_id": "abc"},
        ["body", "conversation_id"],
        "Value error, Improper conversation ID abc",
    ),
    (
        {"user_feedback": "x" * 4097},
        ["body", "user_feedback"],
        "String should have at most 4096 characters",
    ),
    ({"colour": "red"}, ["body", "colour"], "Extra inputs are not permitted"),
]


def stored(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in (tmp_path / "feedback").glob("*.json")]


async def test_good_feedback_is_received_and_stored_once(app: ASGIApp, tmp_path: Path) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/feedback", json=dict(GOOD))

    assert (answer.status_code, answer.json()) == (200, {"response": "feedback received"})
    (feedback,) = stored(tmp_path)
    assert feedback.pop("timestamp")
    assert feedback == {"user_id": DEFAULT_USER_ID, **GOOD}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"sentiment": 1, "user_feedback": ""}, {"sentiment": 1}),
        ({"categories": ["other", "unsafe", "other"]}, {"categories": ["other", "unsafe"]}),
        ({"user_feedback": "x" * 4096, "categories": []}, {"user_feedback": "x" * 4096}),
    ],
)
async def test_feedback_is_stored_in_its_normal_form(
    app: ASGIApp, tmp_path: Path, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    body = {**GOOD, **BARE, **given, "conversation_id": CONVERSATION_ID.upper()}
    async with client_of(app) as client:
        answer = await client.post("/v1/feedback", json=body)

    assert answer.status_code == 200
    (feedback,) = stored(tmp_path)
    assert {name: feedback[name] for name in BARE} == {**BARE, **kept}
    assert feedback["conversation_id"] == CONVERSATION_ID


@pytest.mark.parametrize(("fields", "location", "message"), WRONG)
async def test_feedback_of_the_wrong_form_is_refused(
    app: ASGIApp, tmp_path: Path, fields: dict[str, Any], location: list[str], message: str
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/feedback", json={**GOOD, **fields})

    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert (fault["loc"], fault["msg"]) == (location, message)
    assert stored(tmp_path) == []


async def test_an_unknown_category_is_refused(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/feedback", json={**GOOD, "categories": ["helpful"]})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "categories", 0]


@pytest.mark.parametrize(
    ("user", "conversation_id", "status", "response", "cause"),
    [
        (
            "ben",
            CONVERSATION_ID,
            403,
            "User does not have permission to perform this action",
            "User ben does not have permission to submit feedback for conversation with ID "
            + CONVERSATION_ID,
        ),
        (
            DEFAULT_USER_ID,
            "0" * 48,
            404,
            "Conversation not found",
            f"Conversation with ID {'0' * 48} does not exist",
        ),
    ],
)
async def test_feedback_needs_a_conversation_of_ones_own(
    app: ASGIApp, user: str, conversation_id: str, status: int, response: str, cause: str
) -> None:
    body = {**GOOD, "conversation_id": conversation_id}
    async with client_of(app) as client:
        answer = await client.post(f"/v1/feedback?user_id={user}", json=body)

    assert answer.status_code == status
    assert answer.json() == {"detail": {"response": response, "cause": cause}}


async def test_a_disk_that_fails_is_507(app: ASGIApp, tmp_path: Path) -> None:
    directory = tmp_path / "feedback"
    directory.write_text("a file where a directory should be")
    async with client_of(app) as client:
        answer = await client.post("/v1/feedback", json=dict(GOOD))

    assert answer.status_code == 507
    assert answer.json() == {
        "detail": {
            "response": "Failed to store feedback",
            "cause": "The file of the feedback could not be written.",
        }
    }


async def test_the_status_needs_no_credentials(app: ASGIApp) -> None:
    # An empty user id is what `noop` refuses on every route that asks who calls.
    async with client_of(app) as client:
        refused = await client.post("/v1/feedback?user_id=", json=dict(GOOD))
        answer = await client.get("/v1/feedback/status?user_id=")

    assert refused.status_code == 400
    assert answer.status_code == 200
    assert answer.json() == {"functionality": "feedback", "status": {"enabled": True}}


async def test_feedback_that_is_switched_off_is_refused_before_its_body_is_judged(
    app: ASGIApp, tmp_path: Path
) -> None:
    async with client_of(app) as client:
        change = await client.put("/v1/feedback/status?user_id=ann", json={"status": False})
        status = await client.get("/v1/feedback/status")
        answers = [await client.post("/v1/feedback", json=body) for body in (dict(GOOD), {})]

    update = change.json()["status"]
    assert change.status_code == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.?\d*\+00:00", update.pop("timestamp"))
    assert update == {"previous_status": True, "updated_status": False, "updated_by": "ann"}
    assert status.json()["status"] == {"enabled": False}
    for answer in answers:
        assert answer.status_code == 403
        assert answer.json()["detail"] == {
            "response": "Storing feedback is disabled",
            "cause": "Storing feedback is disabled.",
        }
    assert stored(tmp_path) == []


async def test_a_status_with_an_unknown_key_is_refused_and_an_empty_one_is_off(
    app: ASGIApp,
) -> None:
    async with client_of(app) as client:
        refused = await client.put("/v1/feedback/status", json={"status": True, "x": 1})
        change = await client.put("/v1/feedback/status", json={})

    assert refused.status_code == 422
    assert refused.json()["detail"][0]["type"] == "extra_forbidden"
    assert change.json()["status"]["updated_status"] is False
