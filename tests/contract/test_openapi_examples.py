"""The API's description shows requests and answers, and what it shows is as it describes."""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lightspeed_core.api.openapi import document
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.shipped import shipped_configuration

PROBLEM = "application/problem+json"

pytestmark = pytest.mark.requirement("api.description")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(load_configuration(shipped_configuration(), {}))


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def contents(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every body of a request or an answer: where, its media type, what is said of it."""
    for name, operation in operations(described):
        holders = {"request": operation.get("requestBody", {})} | operation["responses"]
        for status, holder in holders.items():
            for media_type, content in holder.get("content", {}).items():
                yield f"{name} {status}", media_type, content


def examples_of(described: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    """Return what is shown: with the content, with its body, or put together from its fields."""
    if "example" in content:
        return [content["example"]]
    if "examples" in content:
        return [each["value"] for each in content["examples"].values()]
    reference = content["schema"].get("$ref", "").rpartition("/")[2]
    body = described["components"]["schemas"].get(reference, {})
    if "examples" in body:
        return body["examples"]
    fields = body.get("properties", {})
    required = set(body.get("required", fields))
    shown = {name: field["examples"][0] for name, field in fields.items() if "examples" in field}
    return [shown] if shown and required <= set(shown) else []


def test_every_operation_says_what_it_does(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        assert operation["summary"], name
        assert re.search(r"[.:]", operation["description"]), name


def test_every_body_is_shown_by_an_example(described: dict[str, Any]) -> None:
    missing = [
        (where, media_type)
        for where, media_type, content in contents(described)
        if media_type != PROBLEM and not examples_of(described, content)
    ]
    assert missing == []


def test_every_example_is_as_its_body_is_described(described: dict[str, Any]) -> None:
    validate = importlib.import_module("jsonschema").validate
    for where, media_type, content in contents(described):
        if media_type != "application/json":
            continue
        for example in examples_of(described, content):
            assert example is not None, where
            validate(example, described | content["schema"])


def test_every_operation_names_the_errors_of_what_it_takes(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        statuses = set(operation["responses"])
        assert statuses & {"200", "201"}, name
        assert "500" in statuses, name
        if "requestBody" in operation:
            assert {"400", "413", "422"} <= statuses, name
        if operation.get("parameters"):
            assert "422" in statuses, name
