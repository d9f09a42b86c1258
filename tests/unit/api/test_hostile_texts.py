"""NUL characters and very long texts, in every text field of every body that the API describes."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, cast

import pytest
from starlette.types import ASGIApp

from lightspeed_core.api.openapi import document
from lightspeed_core.config.root import Configuration
from tests.support.asgi import client_of
from tests.support.operations import REQUESTS

CONFIGURATION = Configuration.model_validate(
    {
        "name": "n",
        "service": {},
        "llama_stack": {"url": "http://localhost:8321"},
        "user_data_collection": {},
    }
)
DOCUMENT = document(CONFIGURATION)
LONG = "x" * 1_000_000

pytestmark = pytest.mark.attack(30)

type Spot = tuple[str | int, ...]


def texts_in(schema: dict[str, Any], spot: Spot = ()) -> Iterator[tuple[Spot, dict[str, Any]]]:
    """Yield where a body may hold a text, with what is said of that text."""
    if name := schema.get("$ref"):
        yield from texts_in(DOCUMENT["components"]["schemas"][name.rsplit("/", 1)[1]], spot)
    elif schema.get("type") == "string":
        yield spot, schema
    elif schema.get("type") == "array":
        yield from texts_in(schema["items"], (*spot, 0))
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from texts_in(inner, (*spot, name))
    else:
        for option in schema.get("anyOf", ()):
            yield from texts_in(option, spot)


def all_texts() -> Iterator[tuple[str, Spot, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            forms = operation.get("requestBody", {"content": {}})["content"]
            if body := forms.get("application/json"):
                for spot, text in texts_in(body["schema"]):
                    yield f"{method.upper()} {path}", spot, text


def put(body: Any, spot: Spot, value: str) -> Any:
    """Return the body with the value at the spot, and whatever must be around it."""
    if not spot:
        return value
    name, *rest = spot
    if isinstance(name, int):
        return [put(None, tuple(rest), value)]
    inner = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    return {**inner, name: put(inner.get(name), tuple(rest), value)}


TEXTS = list(all_texts())


def test_the_texts_of_bodies_are_found() -> None:
    found = {(operation, spot) for operation, spot, _ in TEXTS}
    assert ("POST /v1/query", ("attachments", 0, "content")) in found
    assert ("POST /v1/infer", ("context", "systeminfo", "os")) in found
    assert ("POST /v1/feedback", ("llm_response",)) in found


@pytest.mark.parametrize(
    ("operation", "spot"), [(operation, spot) for operation, spot, _ in TEXTS], ids=str
)
async def test_a_text_with_nul_is_refused_where_it_stands(
    app: ASGIApp, operation: str, spot: Spot
) -> None:
    method, path = operation.split()
    body = put(deepcopy(REQUESTS[operation]), spot, "a\0b")
    async with client_of(app) as client:
        answer = await client.request(method, path.format_map(_Ids()), json=body)

    assert answer.status_code == 422, answer.text
    assert ["body", *spot] in [fault["loc"][: len(spot) + 1] for fault in answer.json()["detail"]]


@pytest.mark.parametrize(
    ("operation", "spot", "text"), TEXTS, ids=[f"{each[0]} {each[1]}" for each in TEXTS]
)
async def test_a_very_long_text_is_refused_where_there_is_a_limit_and_else_no_fault_of_ours(
    app: ASGIApp, operation: str, spot: Spot, text: dict[str, Any]
) -> None:
    method, path = operation.split()
    body = put(deepcopy(REQUESTS[operation]), spot, LONG)
    async with client_of(app) as client:
        answer = await client.request(method, path.format_map(_Ids()), json=body)

    assert answer.status_code < 500, answer.text[:1000]
    assert "maxLength" not in text or answer.status_code == 422


@pytest.mark.parametrize("place", ["path", "query"])
async def test_nul_in_a_parameter_is_refused(app: ASGIApp, place: str) -> None:
    asked = [
        (f"{method.upper()} {path}", operation.get("parameters", []))
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    ]
    async with client_of(app) as client:
        for operation, parameters in asked:
            names = [each["name"] for each in parameters if each["in"] == place]
            method, path = operation.split()
            for name in names:
                target = path.replace(f"{{{name}}}", "%00").format_map(_Ids())
                query = f"?{name}=%00" if place == "query" else ""
                answer = await client.request(
                    method, target + query, json=REQUESTS.get(operation) or None
                )
                assert answer.status_code in {400, 422}, (operation, name, answer.text)


class _Ids(dict[str, str]):
    def __missing__(self, name: str) -> str:
        if name == "prompt_id":
            return "pmpt_" + "0" * 48
        return "123e4567-e89b-42d3-a456-426614174000"
