"""The documents that are generated from the code, by name."""

import json
from pathlib import Path
from typing import Any

from lightspeed_core.cli.api_page import render_api
from lightspeed_core.config.json_schema import render_schema
from lightspeed_core.config.reference import render_diagram, render_reference


def render_document(document: str, output: Path | None) -> str:
    """Return the text of a document; the suffix of `output` chooses between two forms."""
    match document:
        case "configuration":
            return render_reference()
        case "diagram":
            return render_diagram()
        case "events":
            return _render_events()
        case "schema":
            return render_schema()
        case _:
            schema = _describe_api()
            if output is not None and output.suffix == ".md":
                return render_api(schema)
            return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _render_events() -> str:
    from lightspeed_core.api.event_reference import events_markdown

    return events_markdown()


def _describe_api() -> dict[str, Any]:
    from lightspeed_core.app.factory import create_app
    from lightspeed_core.config.load import load_configuration
    from lightspeed_core.config.shipped import shipped_configuration

    return create_app(load_configuration(shipped_configuration(), {})).openapi()
