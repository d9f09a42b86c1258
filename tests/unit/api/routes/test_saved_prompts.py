"""`/v1/saved-prompts`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.prompts.memory import MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from tests.support.asgi import client_of, with_state

ANN = "?user_id=user:default/ann"


async def saved(client: httpx2.AsyncClient, name: str, content: str = "x") -> dict[str, Any]:
    body = {"name": name, "content": content}
    answer = await client.post(f"/v1/saved-prompts{ANN}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_limits_are_shown_as_configured(bare: FastAPI, services: Services) -> None:
    limits = SavedPromptsConfiguration(
        max_prompts_per_user=7, max_display_name_length=20, max_content_length=300
    )
    limited = replace(services, saved_prompts=SavedPrompts(MemorySavedPrompts(), limits))
    async with client_of(with_state(bare, limited)) as client:
        answer = await client.get("/v1/saved-prompts/config")

    assert answer.status_code == 200
    assert answer.json() == {
        "max_prompts_per_user": 7,
        "max_display_name_length": 20,
        "max_content_length": 300,
    }


async def test_a_saved_prompt_is_answered_and_listed_the_newest_first(app: ASGIApp) -> None:
    async with client_of(app) as client:
        first = await saved(client, " Check ", " Is it up?\n")
        second = await saved(client, "Look", "Where?")
        own = await client.get(f"/v1/saved-prompts{ANN}")
        of_another = await client.get("/v1/saved-prompts?user_id=ben")

    assert set(first) == {"id", "name", "content", "created_at", "updated_at"}
    assert (first["name"], first["content"]) == ("Check", " Is it up?\n")
    assert first["created_at"] == first["updated_at"]
    at = datetime.fromisoformat(first["created_at"])
    assert timedelta() <= datetime.now(UTC) - at < timedelta(minutes=1)
    assert (own.status_code, own.json()) == (200, {"prompts": [second, first]})
    assert of_another.json() == {"prompts": []}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"name": " ", "content": "x"}, "Saved prompt name must not be empty"),
        ({"name": "x" * 256, "content": "x"}, "Saved prompt name length 256 exceeds maximum 255"),
        ({"name": "x", "content": ""}, "Saved prompt content must not be empty"),
        (
            {"name": "x", "content": "x" * 10_001},
            "Saved prompt content length 10001 exceeds maximum 10000",
        ),
    ],
)
async def test_a_text_of_the_wrong_length_is_422(
    app: ASGIApp, body: dict[str, str], cause: str
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/saved-prompts", json=body)

    assert answer.status_code == 422
    assert answer.json() == {"detail": {"response": "Invalid attribute value", "cause": cause}}


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        ({"content": "x"}, ["body", "name"], "missing"),
        ({"name": "x", "content": 1}, ["body", "content"], "string_type"),
        ({"name": "x", "content": "a\0b"}, ["body", "content"], "value_error"),
        ({"name": "x", "content": "x", "colour": 1}, ["body", "colour"], "extra_forbidden"),
    ],
)
async def test_a_body_of_the_wrong_form_is_422(
    app: ASGIApp, body: dict[str, Any], place: list[str], kind: str
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/v1/saved-prompts", json=body)

    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert (fault["loc"], fault["type"]) == (place, kind)


async def test_a_name_that_is_taken_is_409(app: ASGIApp) -> None:
    async with client_of(app) as client:
        await saved(client, "Check")
        body = {"name": "Check ", "content": "y"}
        answer = await client.post(f"/v1/saved-prompts{ANN}", json=body)

    assert answer.status_code == 409
    assert answer.json()["detail"] == {
        "response": "Saved Prompt already exists",
        "cause": "Saved Prompt with name 'Check' is already registered",
    }


async def test_one_prompt_too_many_is_422(app: ASGIApp) -> None:
    async with client_of(app) as client:
        for number in range(50):
            await saved(client, f"prompt {number}")
        body = {"name": "one too many", "content": "y"}
        answer = await client.post(f"/v1/saved-prompts{ANN}", json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"] == {
        "response": "Saved prompt limit exceeded",
        "cause": "Saved prompt limit exceeded: 50 existing prompts, maximum is 50",
    }


async def test_a_prompt_is_deleted_once_by_any_spelling_of_its_id(app: ASGIApp) -> None:
    async with client_of(app) as client:
        prompt_id = (await saved(client, "Check"))["id"]
        first = await client.delete(f"/v1/saved-prompts/{prompt_id.upper()}{ANN}")
        second = await client.delete(f"/v1/saved-prompts/{prompt_id}{ANN}")
        left = await client.get(f"/v1/saved-prompts{ANN}")

    assert (first.status_code, first.json()) == (
        200,
        {
            "deleted": True,
            "response": "Saved prompt deleted successfully",
            "prompt_id": prompt_id,
        },
    )
    assert (second.status_code, second.json()) == (
        200,
        {"deleted": False, "response": "Saved prompt not found", "prompt_id": prompt_id},
    )
    assert left.json() == {"prompts": []}


async def test_the_prompt_of_another_is_403_and_stays(app: ASGIApp) -> None:
    async with client_of(app) as client:
        prompt = await saved(client, "Check")
        answer = await client.delete(f"/v1/saved-prompts/{prompt['id']}?user_id=ben")
        left = await client.get(f"/v1/saved-prompts{ANN}")

    assert answer.status_code == 403
    assert answer.json()["detail"] == {
        "response": "User does not have permission to perform this action",
        "cause": "User ben does not have permission to delete saved prompt with ID " + prompt["id"],
    }
    assert left.json() == {"prompts": [prompt]}


async def test_an_id_of_another_form_is_400(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.delete("/v1/saved-prompts/abc")

    assert answer.status_code == 400
    assert answer.json()["detail"] == {
        "response": "Invalid saved prompt ID format",
        "cause": "The saved prompt ID abc has invalid format.",
    }
