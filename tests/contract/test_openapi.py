"""The API's description: what it promises, and that the written copies are current."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lightspeed_core.api.errors import ERROR_TABLE
from lightspeed_core.api.event_reference import EVENT_SAMPLES, events_markdown
from lightspeed_core.api.openapi import document
from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.shipped import shipped_configuration
from lightspeed_core.domain.events import (
    ApprovalAnswered,
    CitationVerified,
    DocumentsRetrieved,
    QuestionRewritten,
    TurnEvent,
    TurnIncomplete,
    TurnPaused,
)

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = {
    "POST /v1/query",
    "POST /v1/streaming_query",
    "POST /v1/infer",
    "GET /v1/approvals",
    "POST /v1/approvals/{approval_id}",
    "POST /v1/streaming_query/interrupt",
    "GET /v1/streaming_query/{request_id}",
    "GET /v1/conversations",
    "GET /v1/conversations/{conversation_id}",
    "DELETE /v1/conversations/{conversation_id}",
    "PUT /v1/conversations/{conversation_id}",
    "GET /v2/conversations",
    "GET /v2/conversations/{conversation_id}",
    "DELETE /v2/conversations/{conversation_id}",
    "PUT /v2/conversations/{conversation_id}",
    "POST /v1/feedback",
    "GET /v1/feedback/status",
    "PUT /v1/feedback/status",
    "POST /v1/prompts",
    "GET /v1/prompts",
    "GET /v1/prompts/{prompt_id}",
    "PUT /v1/prompts/{prompt_id}",
    "DELETE /v1/prompts/{prompt_id}",
    "GET /v1/saved-prompts/config",
    "GET /v1/saved-prompts",
    "POST /v1/saved-prompts",
    "DELETE /v1/saved-prompts/{saved_prompt_id}",
    "POST /v1/files",
    "GET /v1/files",
    "GET /v1/files/{file_id}",
    "DELETE /v1/files/{file_id}",
    "POST /v1/vector-stores",
    "GET /v1/vector-stores",
    "GET /v1/vector-stores/{vector_store_id}",
    "PUT /v1/vector-stores/{vector_store_id}",
    "DELETE /v1/vector-stores/{vector_store_id}",
    "POST /v1/vector-stores/{vector_store_id}/files",
    "GET /v1/vector-stores/{vector_store_id}/files",
    "GET /v1/vector-stores/{vector_store_id}/files/{file_id}",
    "DELETE /v1/vector-stores/{vector_store_id}/files/{file_id}",
    "GET /v1/models",
    "GET /v1/info",
    "GET /readiness",
    "GET /liveness",
    "POST /authorized",
    "GET /v1/shields",
    "GET /v1/tools",
    "GET /v1/mcp-servers",
    "POST /v1/mcp-servers",
    "DELETE /v1/mcp-servers/{name}",
    "GET /v1/mcp-auth/client-options",
    "GET /v1/providers",
    "GET /v1/providers/{provider_id}",
    "GET /v1/rags",
    "GET /v1/rags/{rag_id}",
    "GET /v1/skills",
    "GET /v1/config",
    "GET /metrics",
}
PUBLIC = {"GET /v1/feedback/status"}
# A question is answered all the same when something cannot be written, and no route sees a request
# whose headers are too large.
NOT_OF_QUESTIONS = {"431", "507"}


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(shipped_configuration(), {})


@pytest.fixture(scope="module")
def described(configuration: Configuration) -> dict[str, Any]:
    return document(configuration)


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in described["paths"].items()
        for method, operation in item.items()
    }


@pytest.mark.requirement("docs.generated")
def test_the_written_document_is_current(described: dict[str, Any]) -> None:
    written = json.loads((DOCS / "openapi.json").read_text())
    assert written == described, "write it anew with `make schema`"


@pytest.mark.requirement("docs.generated")
def test_the_page_of_operations_is_current(described: dict[str, Any]) -> None:
    headings = set(re.findall(r"^## `(.+)`$", (DOCS / "openapi.md").read_text(), re.MULTILINE))
    assert headings == set(operations(described)), "write it anew with `make openapi-doc`"


@pytest.mark.requirement("docs.generated")
def test_the_page_of_events_is_current() -> None:
    assert (DOCS / "events.md").read_text() == events_markdown()


@pytest.mark.requirement("api.description")
def test_the_service_presents_itself(
    described: dict[str, Any], configuration: Configuration
) -> None:
    name = configuration.name
    info = described["info"]
    assert info["title"] == f"{name} service - OpenAPI"
    assert info["summary"] == info["description"] == f"{name} service API specification."
    assert info["license"]["name"] == "Apache 2.0"
    assert [server["url"] for server in described["servers"]] == ["http://localhost:8080"]


@pytest.mark.requirement("api.description")
def test_every_operation_is_described_under_a_known_tag(described: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    assert set(operations(described)) == OPERATIONS
    for name, operation in operations(described).items():
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        assert set(operation["tags"]) <= tags, name


def test_every_operation_names_the_errors_that_all_may_answer(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        expected = {"421", "500"} if name in PUBLIC else {"400", "401", "403", "421", "500", "503"}
        assert expected <= set(operation["responses"]), name


@pytest.mark.requirement("api.description")
@pytest.mark.parametrize("operation", ["POST /v1/query", "POST /v1/streaming_query"])
def test_a_question_names_every_error_there_is(described: dict[str, Any], operation: str) -> None:
    statuses = {str(row.status) for row in ERROR_TABLE.values()}
    assert (
        set(operations(described)[operation]["responses"]) == {"200"} | statuses - NOT_OF_QUESTIONS
    )


@pytest.mark.requirement("api.description")
def test_every_error_is_shown_in_both_forms_with_an_example(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        for status, response in operation["responses"].items():
            if status.startswith("2") or (name, status) == ("GET /readiness", "503"):
                continue
            content = response["content"]
            assert set(content) == {"application/json", "application/problem+json"}, name
            assert content["application/json"]["examples"], (name, status)
            assert "schema" in content["application/json"], (name, status)


@pytest.mark.requirement("api.description")
def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert referred <= set(described["components"]["schemas"])


@pytest.mark.requirement("api.description")
@pytest.mark.parametrize("event", EVENT_SAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_of_a_stream_is_described(described: dict[str, Any], event: TurnEvent) -> None:
    stream = operations(described)["POST /v1/streaming_query"]["responses"]["200"]
    frame = stream["content"]["text/event-stream"]["itemSchema"]
    schema = described | frame["properties"]["data"]["contentSchema"]
    texts = re.findall(r"^data: (.*)$", JsonFrames().render((event,)).decode(), re.MULTILINE)

    for text in texts:
        importlib.import_module("jsonschema").validate(json.loads(text), schema)
    silent = DocumentsRetrieved | CitationVerified | TurnIncomplete | QuestionRewritten
    untold = silent | ApprovalAnswered | TurnPaused
    assert texts or isinstance(event, untold)
