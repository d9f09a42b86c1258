"""The documents that are generated from the code, by name."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightspeed_core.config.json_schema import render_schema
from lightspeed_core.config.reference import render_diagram, render_reference


def render_document(document: str, output: Path | None) -> str:
    """Return the text of a document; the suffix of `output` chooses between two forms."""
    match document:
        case "configuration":
            return render_reference()
        case "diagram":
            return render_diagram()
        case "schema":
            return render_schema()
        case _:
            schema = _describe_api()
            if output is not None and output.suffix == ".md":
                return render_api(schema)
            return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _describe_api() -> dict[str, Any]:
    from lightspeed_core.app.factory import create_app
    from lightspeed_core.config.load import load_configuration
    from lightspeed_core.config.shipped import shipped_configuration

    return create_app(load_configuration(shipped_configuration(), {})).openapi()


def render_api(schema: Mapping[str, Any]) -> str:
    """Return an OpenAPI document in Markdown: each operation with its answers."""
    lines = [f"# {schema['info']['title']} API", "", f"Version {schema['info']['version']}.", ""]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            lines += _render_operation(f"{method.upper()} {path}", operation)
    return "\n".join(lines)


def _render_operation(title: str, operation: Mapping[str, Any]) -> list[str]:
    lines = [f"## `{title}`", "", operation.get("description") or operation.get("summary", ""), ""]
    if body := _reference_of(operation.get("requestBody", {})):
        lines += [f"Request body: `{body}`", ""]
    lines += ["| Status | Meaning | Body |", "| --- | --- | --- |"]
    for status, answer in operation.get("responses", {}).items():
        shown = _reference_of(answer)
        lines.append(
            f"| {status} | {answer.get('description', '')} | {f'`{shown}`' if shown else ''} |"
        )
    return [*lines, ""]


def _reference_of(holder: Mapping[str, Any]) -> str:
    for content in holder.get("content", {}).values():
        reference: str = content.get("schema", {}).get("$ref", "")
        if reference:
            return reference.rpartition("/")[2]
    return ""
