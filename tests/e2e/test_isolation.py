"""What one user owns is nobody else's: every route that names it, on both databases."""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from lightspeed_core.api.openapi import document
from lightspeed_core.config.root import Configuration
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from tests.support.collecting import database_section
from tests.support.operations import REQUESTS, UNKNOWN_ID, WITHOUT_STORE, fill_in
from tests.support.planted import plant_waiting_turn
from tests.support.postgres import Postgres
from tests.support.service import Service, running_service
from tests.support.streams import WireEvent, read_frames

pytestmark = [pytest.mark.requirement("isolation.routes"), pytest.mark.attack(19)]

WORD = "quetzalcoatl"
OWNED = {"conversation_id", "request_id", "saved_prompt_id", "file_id", "approval_id"}
# Files of a vector store are whose the store is; how they are handed over is asked like the rest.
SHARED = re.compile(r"(GET|DELETE) /v1/vector-stores/")
SHARED_IDS = {"vector_store_id": "product-docs"}
MINIMAL = {"name": "x", "service": {}, "llama_stack": {"url": "http://x"}}
DOCUMENT = document(Configuration.model_validate(MINIMAL | {"user_data_collection": {}}))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            yield f"{method.upper()} {path}", described


def body_fields(described: dict[str, Any]) -> set[str]:
    """Return the names of what a body may hold."""
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return set(DOCUMENT["components"]["schemas"].get(name, {}).get("properties", {}))


def owned_names(described: dict[str, Any]) -> set[str]:
    """Return the ids of owned things that an operation may be given."""
    parameters = {each["name"] for each in described.get("parameters", ())}
    return OWNED & (parameters | body_fields(described))


NAMING = sorted(
    name for name, described in operations() if owned_names(described) and not SHARED.match(name)
)
LISTING = sorted(name for name, _ in operations() if name.startswith("GET /v") and "{" not in name)


@dataclass
class Place:
    """A started service with two users; what the first owns, and the stream that still runs."""

    ann: httpx2.Client
    bob: httpx2.Client
    feedback: Path
    ids: dict[str, str]
    stream: Iterator[WireEvent] = field(repr=False)

    def ask(
        self, user: httpx2.Client, operation: str, ids: dict[str, str], **headers: str
    ) -> httpx2.Response:
        """Ask an operation about the things of those ids."""
        method, path = fill_in(operation, ids | SHARED_IDS).split()
        body = json.loads(fill_in(json.dumps(REQUESTS[operation]), ids))
        for name in OWNED & body_fields(dict(operations())[operation]):
            body[name] = ids[name]
        return user.request(method, path, json=body or None, headers=headers)

    def everything_of_ann(self) -> tuple[object, ...]:
        """Return what could have been changed."""
        conversation = f"/v1/conversations/{self.ids['conversation_id']}"
        return (
            self.ann.get(conversation).json(),
            self.ann.get("/v1/conversations").json(),
            self.ann.get("/v1/saved-prompts").json(),
            self.ann.get("/v1/files").json(),
            self.ann.get("/v1/approvals").json(),
            sorted(self.feedback.glob("*.json")),
        )


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> DatabaseSettings:
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        return server.settings()
    return SqliteSettings(path=tmp_path_factory.mktemp("database") / "service.db")


@pytest.fixture(scope="module")
def started(
    settings: DatabaseSettings,
    tmp_path_factory: pytest.TempPathFactory,
    model_environment: dict[str, str],
) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("isolation")
    stack = {"use_as_library_client": True, "library_client_config_path": "shipped:run.yaml"}
    feedback = {"feedback_enabled": True, "feedback_storage": str(folder / "feedback")}
    configuration = {
        "name": "isolation",
        "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
        "llama_stack": stack,
        "user_data_collection": feedback,
        "database": database_section(settings),
    }
    config = folder / "lcs.yaml"
    config.write_text(yaml.safe_dump(configuration))
    with running_service(folder / "data", environment=model_environment, config=config) as service:
        service.wait_until_ready()
        yield service


def user_of(service: Service, name: str) -> httpx2.Client:
    return httpx2.Client(base_url=service.url, params={"user_id": name}, timeout=60)


@pytest.fixture(scope="module")
def place(started: Service, settings: DatabaseSettings) -> Generator[Place]:
    with user_of(started, "ann") as ann, user_of(started, "bob") as bob:
        said = {"query": f"{WORD} [[tokens=3000]] [[delay=100]]"} | WITHOUT_STORE
        first = ann.post("/v1/query", json={"query": f"My word is {WORD}"} | WITHOUT_STORE)
        conversation_id = first.json()["conversation_id"]
        saved = ann.post("/v1/saved-prompts", json={"name": WORD, "content": WORD}).json()
        file = ann.post("/v1/files", files={"file": (f"{WORD}.md", WORD.encode())}).json()
        approval = plant_waiting_turn(settings, "ann", word=WORD)
        body = said | {"conversation_id": conversation_id}
        with ann.stream("POST", "/v1/streaming_query", json=body) as stream:
            events = read_frames(stream.iter_text())
            seen = [next(events) for _ in range(4)]
            request_id = seen[0].data["request_id"]
            yield Place(
                ann=ann,
                bob=bob,
                feedback=started.log.parent / "feedback",
                ids={
                    "conversation_id": conversation_id,
                    "request_id": request_id,
                    "saved_prompt_id": saved["id"],
                    "file_id": file["id"],
                    "approval_id": approval.approval_id,
                },
                stream=events,
            )
            ann.post("/v1/streaming_query/interrupt", json={"request_id": request_id})


def tells_nothing(answer: httpx2.Response) -> bool:
    """Say whether a refusal holds no more than what its caller knew."""
    return (
        set(answer.json()) == {"detail"}
        and set(answer.json()["detail"]) == {"response", "cause"}
        and WORD not in answer.text
        and "ann" not in answer.text
    )


def test_there_are_such_routes() -> None:
    assert {name.split()[0] for name in NAMING} == {"GET", "POST", "PUT", "DELETE"}
    assert {"GET /v1/conversations", "GET /v2/conversations"} <= set(LISTING)


@pytest.mark.parametrize("operation", NAMING)
def test_what_another_owns_is_refused_and_stays_as_it_was(place: Place, operation: str) -> None:
    before = place.everything_of_ann()
    assert WORD in str(before)

    answer = place.ask(place.bob, operation, place.ids)

    assert answer.status_code == 403, answer.text
    assert tells_nothing(answer), answer.text
    assert place.everything_of_ann() == before


@pytest.mark.parametrize("operation", NAMING)
def test_what_does_not_exist_is_not_found(place: Place, operation: str) -> None:
    answer = place.ask(place.bob, operation, dict.fromkeys(place.ids, UNKNOWN_ID))

    if operation.startswith("DELETE") and answer.status_code == 200:
        assert answer.json()["deleted"] is False
    else:
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("operation", LISTING)
def test_a_list_shows_nothing_of_others(place: Place, operation: str) -> None:
    answer = place.bob.get(operation.split()[1])

    assert answer.status_code == 200, answer.text
    assert WORD not in answer.text
    assert not [each for each in place.ids.values() if each in answer.text]


@pytest.mark.parametrize("path", ["/v1/conversations", "/v2/conversations"])
def test_a_page_cannot_begin_behind_a_conversation_of_others(place: Place, path: str) -> None:
    answer = place.bob.get(path, params={"after": place.ids["conversation_id"]})

    assert answer.status_code == 403
    assert tells_nothing(answer)


@pytest.mark.attack(20)
@pytest.mark.parametrize("last", ["0", "1", "3"])
def test_a_stream_of_others_gives_no_event_and_runs_on(place: Place, last: str) -> None:
    operation = "GET /v1/streaming_query/{request_id}"

    answer = place.ask(place.bob, operation, place.ids, **{"last-event-id": last})

    assert answer.status_code == 403
    assert tells_nothing(answer)
    assert "data:" not in answer.text
    assert next(place.stream).event == "token"
