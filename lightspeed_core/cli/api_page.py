"""The API's description in Markdown, made from its OpenAPI document; knows no route itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_INTRODUCTION: Final = """\
# Reference of the API

Version {version}. [The API](api.md) explains what all routes have in common. `GET /openapi.json`
of a running service is this description for programs, `/docs` and `/redoc` show it in a browser.

Every error is also served as `Problem` (RFC 9457) to clients that accept
`application/problem+json`.
"""
_JSON: Final = "application/json"


def render_api(schema: Mapping[str, Any]) -> str:
    """Return each operation with its answers, then the fields of every body."""
    parts = [_INTRODUCTION.format(version=schema["info"]["version"])]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts += _render_operation(f"{method.upper()} {path}", operation)
    parts += ["## Bodies", ""]
    for name, body in schema["components"]["schemas"].items():
        parts += _render_body(name, body)
    return "\n".join(parts)


def _render_operation(title: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## `{title}`", "", operation.get("description") or operation["summary"], "")
    yield from _render_parameters(operation.get("parameters", ()))
    if body := _body_of(operation.get("requestBody", {})):
        yield from (f"Request body: {body}", "")
    yield from ("| Status | Meaning | Body |", "| --- | --- | --- |")
    for status, answer in operation["responses"].items():
        yield f"| {status} | {answer['description']} | {_body_of(answer)} |"
    yield ""


def _render_parameters(parameters: Any) -> Iterator[str]:
    if not parameters:
        return
    yield from ("| Parameter | In | Type | Meaning |", "| --- | --- | --- | --- |")
    for parameter in parameters:
        kind, meaning = _show_type(parameter["schema"]), parameter.get("description", "")
        yield f"| `{parameter['name']}` | {parameter['in']} | {kind} | {meaning} |"
    yield ""


def _body_of(holder: Mapping[str, Any]) -> str:
    """Name the JSON body, or the media types where there is none."""
    content: Mapping[str, Any] = holder.get("content", {})
    if schema := content.get(_JSON, {}).get("schema"):
        return _show_type(schema)
    return " or ".join(f"`{media_type}`" for media_type in content)


def _render_body(name: str, body: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### `{name}`", "", body.get("description", ""), "")
    if "enum" in body or "oneOf" in body:
        yield from (f"One of {_show_type(body)}.", "")
    if properties := body.get("properties"):
        yield from ("| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |")
        required = body.get("required", ())
        for key, field in properties.items():
            yield _render_field(key, field, is_required=key in required)
        yield ""


def _render_field(name: str, field: Mapping[str, Any], *, is_required: bool) -> str:
    default = "required" if is_required else f"`{json.dumps(field.get('default'))}`"
    meaning = field.get("description", "")
    return f"| `{name}` | {_show_type(field)} | {default} | {meaning} |"


def _show_type(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": str(reference)}:
            return f"`{reference.rpartition('/')[2]}`"
        case {"anyOf": alternatives} | {"oneOf": alternatives}:
            return " or ".join(dict.fromkeys(_show_type(each) for each in alternatives))
        case {"enum": values} | {"const": str() as values}:
            shown = [values] if isinstance(values, str) else values
            return ", ".join(f"`{value}`" for value in shown)
        case {"type": "array", "items": items}:
            return f"list of {_show_type(items)}"
        case {"type": str(kind)}:
            return kind
        case _:
            return "any"
