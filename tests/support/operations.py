"""Every operation of the API with a request that it answers, and a check of that answer."""

import importlib
import json
from typing import Any

import httpx2

from lightspeed_core.db.connect import DatabaseSettings
from tests.support.planted import plant_waiting_turn
from tests.support.streams import parse_stream

UNKNOWN_ID = "123e4567-e89b-42d3-a456-426614174000"
WITHOUT_STORE: dict[str, Any] = {"vector_store_ids": [], "generate_topic_summary": False}

# What each operation is asked, in this order; `{request_id}` is the id of a stream that has ended,
# `{conversation_id}` its conversation's.
REQUESTS: dict[str, dict[str, Any]] = {
    "GET /liveness": {},
    "GET /readiness": {},
    "GET /v1/feedback/status": {},
    "GET /v1/info": {},
    "GET /v1/models": {},
    "GET /v1/shields": {},
    "GET /v1/tools": {},
    "POST /v1/mcp-servers": {"name": "documents", "url": "https://93.184.216.34/mcp"},
    "GET /v1/mcp-servers": {},
    "DELETE /v1/mcp-servers/{name}": {},
    "GET /v1/mcp-auth/client-options": {},
    "GET /v1/providers": {},
    "GET /v1/providers/{provider_id}": {},
    "GET /v1/rags": {},
    "GET /v1/rags/{rag_id}": {},
    "GET /v1/skills": {},
    "GET /v1/config": {},
    "GET /metrics": {},
    "POST /authorized": {},
    "POST /v1/feedback": {
        "conversation_id": "{conversation_id}",
        "user_question": "x",
        "llm_response": "y",
        "sentiment": 1,
    },
    "POST /v1/query": {"query": "Say hello"} | WITHOUT_STORE,
    "POST /v1/streaming_query": {"query": "Say hello"} | WITHOUT_STORE,
    "POST /v1/infer": {"question": "Say hello"},
    "GET /v1/approvals": {},
    "POST /v1/approvals/{approval_id}": {"approve": False, "reason": "Too dear."},
    "POST /v1/streaming_query/interrupt": {"request_id": "{request_id}"},
    "GET /v1/streaming_query/{request_id}": {},
    "GET /v1/conversations": {},
    "GET /v1/conversations/{conversation_id}": {},
    "PUT /v1/conversations/{conversation_id}": {"topic_summary": "Greetings"},
    "GET /v2/conversations": {},
    "GET /v2/conversations/{conversation_id}": {},
    "PUT /v2/conversations/{conversation_id}": {"topic_summary": "Greetings"},
    "DELETE /v1/conversations/{conversation_id}": {},
    "DELETE /v2/conversations/{conversation_id}": {},
    "PUT /v1/feedback/status": {"status": True},
    "POST /v1/prompts": {"prompt": "Say {{ word }}", "variables": ["word"]},
    "GET /v1/prompts": {},
    "GET /v1/prompts/{prompt_id}": {},
    "PUT /v1/prompts/{prompt_id}": {"prompt": "Say goodbye", "version": 1},
    "DELETE /v1/prompts/{prompt_id}": {},
    "GET /v1/saved-prompts/config": {},
    "POST /v1/saved-prompts": {"name": "Greeting", "content": "Say hello"},
    "GET /v1/saved-prompts": {},
    "DELETE /v1/saved-prompts/{saved_prompt_id}": {},
    "POST /v1/files": {},
    "GET /v1/files": {},
    "GET /v1/files/{file_id}": {},
    "POST /v1/vector-stores": {"name": "manuals"},
    "GET /v1/vector-stores": {},
    "GET /v1/vector-stores/{vector_store_id}": {},
    "PUT /v1/vector-stores/{vector_store_id}": {"name": "handbooks"},
    "POST /v1/vector-stores/{vector_store_id}/files": {"file_id": "{file_id}"},
    "GET /v1/vector-stores/{vector_store_id}/files": {},
    "GET /v1/vector-stores/{vector_store_id}/files/{file_id}": {},
    "DELETE /v1/vector-stores/{vector_store_id}/files/{file_id}": {},
    "DELETE /v1/vector-stores/{vector_store_id}": {},
    "DELETE /v1/files/{file_id}": {},
}

FORMS: dict[str, dict[str, tuple[str, bytes]]] = {
    "POST /v1/files": {"file": ("notes.md", b"# Notes")},
}
"""What is sent as a form, in place of JSON."""

CREATING = {"POST /v1/saved-prompts": 201, "POST /v1/mcp-servers": 201}


def operations_of(document: dict[str, Any]) -> set[str]:
    """Return the operations of the API's description."""
    return {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }


def ids_for(client: httpx2.Client, database: DatabaseSettings) -> dict[str, str]:
    """Return ids to ask about: of a stream that has ended, a provider, stores, a prompt and none.

    An approval is planted in the service's `database`.
    """
    caller = client.post("/authorized").json()["user_id"]
    asked = client.post("/v1/streaming_query", json={"query": "x"} | WITHOUT_STORE)
    return parse_stream(asked.text)[0].data | {
        "provider_id": "openai",
        "rag_id": "product-docs",
        "prompt_id": client.post("/v1/prompts", json={"prompt": "x"}).json()["prompt_id"],
        "saved_prompt_id": UNKNOWN_ID,
        "file_id": client.post("/v1/files", files=FORMS["POST /v1/files"]).json()["id"],
        "vector_store_id": client.post("/v1/vector-stores", json={"name": "x"}).json()["id"],
        "name": "documents",
        "approval_id": plant_waiting_turn(database, caller).approval_id,
    }


def check_operation(
    client: httpx2.Client, document: dict[str, Any], ids: dict[str, str], operation: str
) -> None:
    """Ask an operation, and compare its answer with its description."""
    method, path = fill_in(operation, ids).split()
    body = json.loads(fill_in(json.dumps(REQUESTS[operation]), ids))

    answer = client.request(method, path, json=body or None, files=FORMS.get(operation))

    assert answer.status_code == CREATING.get(operation, 200), answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = parse_stream(answer.text)
        assert (events[0].event, events[-1].event) == ("start", "end")
    elif answer.headers["content-type"].startswith("text/plain"):
        assert answer.text
    else:
        _check_shape(document, operation, answer.json())


def fill_in(text: str, ids: dict[str, str]) -> str:
    """Put ids where a path or a body names them."""
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _check_shape(document: dict[str, Any], operation: str, body: Any) -> None:
    method, path = operation.split()
    status = str(CREATING.get(operation, 200))
    described = document["paths"][path][method.lower()]["responses"][status]
    schema = described["content"]["application/json"]["schema"]
    importlib.import_module("jsonschema").validate(body, document | schema)
