"""The API's own description, made from the routes; needs no running service."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from lightspeed_core.api.errors import responses
from lightspeed_core.api.examples import BODY_EXAMPLES
from lightspeed_core.api.forgery import CHANGING_METHODS
from lightspeed_core.api.routes import include_routes
from lightspeed_core.api.schemas.errors import Problem
from lightspeed_core.api.schemas.stream_events import StreamEvent
from lightspeed_core.config.root import Configuration
from lightspeed_core.constants import DISTRIBUTION
from lightspeed_core.errors import (
    BodyTooLarge,
    Forbidden,
    Misdirected,
    Overloaded,
    RequestTooSlow,
    UnsupportedMedia,
)

_REFUSED_BODIES: Final = (RequestTooSlow, BodyTooLarge, UnsupportedMedia, Overloaded)
_SERVER: Final = "http://localhost:8080"
_TAGS: Final = [
    {"name": "query", "description": "Ask a question, get one answer."},
    {"name": "streaming_query", "description": "Ask a question, read the answer as it comes."},
    {"name": "infer", "description": "Ask from a command line, without a conversation."},
    {"name": "approvals", "description": "Allow or deny calls of tools."},
    {"name": "conversations", "description": "Look back, name and delete."},
    {"name": "models", "description": "Models that can answer."},
    {"name": "shields", "description": "Shields that check questions and answers."},
    {"name": "tools", "description": "Tools that help to answer."},
    {"name": "mcp_servers", "description": "Servers of tools."},
    {"name": "providers", "description": "Providers of the engine."},
    {"name": "rags", "description": "Vector stores that are searched."},
    {"name": "vector_stores", "description": "Vector stores, and the files in them."},
    {"name": "skills", "description": "Skills of agents."},
    {"name": "config", "description": "The configuration in force."},
    {"name": "metrics", "description": "What the service counts."},
    {"name": "feedback", "description": "What users say of answers."},
    {"name": "prompts", "description": "Prompts in versions, for all."},
    {"name": "saved_prompts", "description": "Prompts that users save."},
    {"name": "files", "description": "Files to be indexed."},
    {"name": "info", "description": "Who answers here."},
    {"name": "health", "description": "Probes."},
    {"name": "authorized", "description": "Who the caller is."},
]


def install(app: FastAPI, configuration: Configuration) -> None:
    """Tell the application how to describe itself."""
    app.title = f"{configuration.name} service - OpenAPI"
    app.summary = f"{configuration.name} service API specification."
    app.description = f"{configuration.name} service API specification."
    app.version = version(DISTRIBUTION)
    app.license_info = {
        "name": "Apache 2.0",
        "url": "https://www.apache.org/licenses/LICENSE-2.0.html",
    }
    app.servers = [
        {
            "url": _SERVER + configuration.service.root_path,
            "description": "Locally running service",
        }
    ]
    app.openapi_tags = _TAGS
    describe = app.openapi

    def describe_with_more_bodies() -> dict[str, Any]:
        described = describe()
        schemas = described["components"]["schemas"]
        for body in (Problem, StreamEvent):
            _add_body(schemas, body)
        for name, example in BODY_EXAMPLES.items():
            schemas[name]["examples"] = [example]
        for item in described["paths"].values():
            for method, operation in item.items():
                _add_errors_of_all(method.upper(), operation)
        return described

    app.openapi = describe_with_more_bodies


def _add_body(schemas: dict[str, Any], body: type[BaseModel]) -> None:
    """Add what the framework does not see, for it collects the bodies of one media type only."""
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(name, definition)
    schemas[body.__name__] = schema


def _add_errors_of_all(method: str, operation: dict[str, Any]) -> None:
    """Describe what is refused before any route is asked: hosts, pages, bodies not read."""
    kinds = _REFUSED_BODIES if "requestBody" in operation else ()
    forms = (UnsupportedMedia,) if method in CHANGING_METHODS and not kinds else ()
    answers: dict[str, Any] = operation["responses"]
    for status, entry in responses(Forbidden, Misdirected, *kinds, *forms).items():
        body: type[BaseModel] = entry.pop("model")
        content = entry["content"]["application/json"]
        content["schema"] = {"$ref": f"#/components/schemas/{body.__name__}"}
        known = answers.setdefault(str(status), entry)
        known["content"]["application/json"]["examples"].update(content["examples"])
    operation["responses"] = dict(sorted(answers.items()))


def document(configuration: Configuration) -> dict[str, Any]:
    """Return the OpenAPI document of a service that is configured so."""
    app = FastAPI(openapi_url=None)
    include_routes(app)
    install(app, configuration)
    return app.openapi()
