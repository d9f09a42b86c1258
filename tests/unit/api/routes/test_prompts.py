"""`/v1/prompts`."""

from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from tests.support.asgi import client_of

UNKNOWN_ID = "pmpt_" + "0123456789abcdef" * 3
TEXT = "Answer about {{ product }} for {{ user }}."


async def created(client: httpx2.AsyncClient) -> dict[str, Any]:
    body = {"prompt": TEXT, "variables": ["product", "user", "product"]}
    answer = await client.post("/v1/prompts", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_prompt_is_answered_read_and_listed(app: ASGIApp) -> None:
    async with client_of(app) as client:
        prompt = await created(client)
        bare = (await client.post("/v1/prompts", json={"prompt": " "})).json()
        read = await client.get(f"/v1/prompts/{prompt['prompt_id'].upper()}")
        listed = await client.get("/v1/prompts")

    assert prompt == {
        "prompt_id": prompt["prompt_id"],
        "version": 1,
        "is_default": True,
        "prompt": TEXT,
        "variables": ["product", "user"],
    }
    assert (bare["prompt"], bare["variables"]) == (" ", [])
    assert (read.status_code, read.json()) == (200, prompt)
    assert (listed.status_code, listed.json()) == (200, {"data": [bare, prompt]})


async def test_a_change_makes_a_version_and_the_older_one_is_read_by_its_number(
    app: ASGIApp,
) -> None:
    async with client_of(app) as client:
        prompt = await created(client)
        path = f"/v1/prompts/{prompt['prompt_id']}"
        second = await client.put(path, json={"prompt": "Two", "version": 1})
        body = {"prompt": "Three", "version": 2, "set_as_default": False, "variables": None}
        third = await client.put(path, json=body)
        versions = [
            (await client.get(path, params=query)).json()
            for query in ({}, {"version": 1}, {"version": 2}, {"version": 3})
        ]

    assert (second.status_code, third.status_code) == (200, 200)
    assert second.json() == prompt | {"version": 2, "prompt": "Two", "variables": []}
    assert third.json() == second.json() | {"version": 3, "prompt": "Three", "is_default": False}
    assert versions == [second.json(), prompt | {"is_default": False}, second.json(), third.json()]


async def test_a_change_of_an_older_version_is_409_and_says_which_is_the_newest(
    app: ASGIApp,
) -> None:
    async with client_of(app) as client:
        prompt_id = (await created(client))["prompt_id"]
        path = f"/v1/prompts/{prompt_id}"
        await client.put(path, json={"prompt": "Two", "version": 1})
        answer = await client.put(path, json={"prompt": "Other", "version": 1})

    assert answer.status_code == 409
    assert answer.json()["detail"] == {
        "response": "Prompt version is not current",
        "cause": f"Version 1 of the prompt {prompt_id} cannot be revised: its newest version is 2",
    }


@pytest.mark.requirement("prompts.placeholders")
@pytest.mark.parametrize(
    ("variables", "named"),
    [([], "{{ product }}, {{ user }}"), (["user"], "{{ product }}"), (None, "{{ product }}, ")],
)
async def test_a_placeholder_that_is_not_declared_is_422_and_named(
    app: ASGIApp, variables: list[str] | None, named: str
) -> None:
    body: dict[str, Any] = {"prompt": TEXT, "variables": variables}
    async with client_of(app) as client:
        prompt_id = (await created(client))["prompt_id"]
        answers = [
            await client.post("/v1/prompts", json=body),
            await client.put(f"/v1/prompts/{prompt_id}", json={**body, "version": 1}),
        ]
        left = await client.get(f"/v1/prompts/{prompt_id}")

    for answer in answers:
        assert answer.status_code == 422
        (fault,) = answer.json()["detail"]
        assert fault["loc"] == ["body"]
        assert fault["msg"].startswith(f"Value error, Undeclared placeholders in prompt: {named}")
        assert fault["msg"].endswith("list their names in 'variables'")
    assert left.json()["version"] == 1


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"prompt": ""}, ["body", "prompt"]),
        ({"prompt": "a\0b"}, ["body", "prompt"]),
        ({"variables": ["a b"]}, ["body", "variables", 0]),
        ({"variables": "a"}, ["body", "variables"]),
        ({"version": 0}, ["body", "version"]),
        ({"version": 2**31}, ["body", "version"]),
        ({"version": None}, ["body", "version"]),
        ({"colour": "red"}, ["body", "colour"]),
    ],
)
async def test_a_body_of_the_wrong_form_is_422(
    app: ASGIApp, fields: dict[str, Any], place: list[str | int]
) -> None:
    async with client_of(app) as client:
        body = {"prompt": "x", "version": 1, **fields}
        answer = await client.put(f"/v1/prompts/{UNKNOWN_ID}", json=body)

    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert fault["loc"] == place


async def test_what_does_not_exist_is_404(app: ASGIApp) -> None:
    async with client_of(app) as client:
        prompt_id = (await created(client))["prompt_id"]
        unknown = f"/v1/prompts/{UNKNOWN_ID}"
        answers = [
            await client.get(unknown),
            await client.put(unknown, json={"prompt": "x", "version": 1}),
            await client.get(f"/v1/prompts/{prompt_id}?version=2"),
        ]

    for answer, named in zip(
        answers, (UNKNOWN_ID, UNKNOWN_ID, f"{prompt_id} in version 2"), strict=True
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == {
            "response": "Prompt not found",
            "cause": f"Prompt with ID {named} does not exist",
        }


@pytest.mark.parametrize("version", ["0", "-1", "x", "2147483648"])
async def test_a_version_that_can_never_be_is_422(app: ASGIApp, version: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(f"/v1/prompts/{UNKNOWN_ID}?version={version}")

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "version"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_id_of_another_form_is_400(app: ASGIApp, method: str) -> None:
    body = {"prompt": "x", "version": 1} if method == "PUT" else None
    async with client_of(app) as client:
        answer = await client.request(method, "/v1/prompts/pmpt_abc", json=body)

    assert answer.status_code == 400
    assert answer.json()["detail"] == {
        "response": "Invalid prompt ID format",
        "cause": "The prompt ID pmpt_abc has invalid format.",
    }


async def test_a_prompt_is_deleted_once(app: ASGIApp) -> None:
    async with client_of(app) as client:
        prompt_id = (await created(client))["prompt_id"]
        first = await client.delete(f"/v1/prompts/{prompt_id}")
        second = await client.delete(f"/v1/prompts/{prompt_id}")
        read = await client.get(f"/v1/prompts/{prompt_id}")

    assert (first.status_code, first.json()) == (
        200,
        {"deleted": True, "response": "Prompt deleted successfully", "prompt_id": prompt_id},
    )
    assert (second.status_code, second.json()) == (
        200,
        {"deleted": False, "response": "Prompt not found", "prompt_id": prompt_id},
    )
    assert read.status_code == 404
