"""The generated descriptions of the configuration are current and complete."""

import json
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.config.customization import CustomProfile
from lightspeed_core.config.json_schema import render_schema
from lightspeed_core.config.reference import render_diagram, render_reference
from lightspeed_core.config.schema import written_fields
from lightspeed_core.config.section import Section

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.requirement("docs.generated")
@pytest.mark.parametrize(
    ("name", "text", "document"),
    [
        ("configuration.md", render_reference(), "configuration"),
        ("schema.json", render_schema(), "schema"),
    ],
)
def test_a_generated_document_is_current(name: str, text: str, document: str) -> None:
    command = f"lightspeed-stack docs {document} --output docs/{name}"
    assert (DOCS / name).read_text(encoding="utf-8") == text, f"run: {command}"


def test_every_key_has_a_description_and_appears_in_the_reference() -> None:
    reference = render_reference()
    for section in set(Section.__subclasses__()) - {CustomProfile}:
        for name, field in written_fields(section).items():
            assert field.description, f"{section.__name__}.{name}"
            assert f"| `{name}` |" in reference


def test_the_reference_shows_types_and_defaults() -> None:
    rows = render_reference().splitlines()
    for row in (
        "| `port` | whole number | `8080` | TCP port to listen on. |",
        "| `api_key` | secret text |  | Key sent to the Llama Stack server. |",
        "| `name` | text | required | Name of the service, shown to clients. |",
        '| `allow_origins` | list of text | `["*"]` | Origins, or `*` for all. |',
        "## `mcp_servers[]`",
        "## `authentication.jwk_config.jwt_configuration.role_rules[]`",
    ):
        assert row in rows


def test_the_diagram_draws_each_section_once() -> None:
    diagram = render_diagram()
    assert diagram.startswith("@startuml\n")
    assert diagram.endswith("@enduml\n")
    assert diagram.count("class PostgreSQLDatabaseConfiguration {") == 1
    assert "Configuration --> ServiceConfiguration : service" in diagram


def test_the_schema_allows_expressions_where_something_else_than_a_text_is_wanted() -> None:
    schema: dict[str, Any] = json.loads(render_schema())
    port = schema["$defs"]["ServiceConfiguration"]["properties"]["port"]
    assert {"type": "string", "pattern": r"\$\{env\.[A-Z0-9_]+"} in port["anyOf"]
    assert port["default"] == 8080
    assert {"type": "string", "pattern": r"\$\{env\.[A-Z0-9_]+"} in schema["$defs"]["Action"][
        "anyOf"
    ]


def test_the_schema_holds_nothing_that_cannot_be_written() -> None:
    schema: dict[str, Any] = json.loads(render_schema())
    assert "data_directory" not in schema["properties"]
    assert "custom_profile" not in schema["$defs"]["CustomizationConfiguration"]["properties"]
    assert schema["additionalProperties"] is False
