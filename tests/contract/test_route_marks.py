"""Every route of the API's description answers each kind of caller as its mark says."""

import json
from collections.abc import AsyncGenerator, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from lightspeed_core.api.openapi import document
from lightspeed_core.api.routes import include_routes
from lightspeed_core.api.state import Services
from lightspeed_core.auth.registry import authorizer_of, open_authenticator
from lightspeed_core.config.authorization import Action
from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from tests.support.asgi import build_app, client_of
from tests.support.assistants import wired_assistant
from tests.support.feedback import a_collector
from tests.support.handing_over import files_in_memory
from tests.support.key_server import key_server
from tests.support.marks import MARKS
from tests.support.mcp_parts import mcp_of_memory
from tests.support.operations import FORMS, REQUESTS, UNKNOWN_ID, fill_in
from tests.support.scripted_engine import ScriptedEngine
from tests.support.tokens import claims_of, token_key

pytestmark = [pytest.mark.requirement("auth.marks"), pytest.mark.attack(16)]

KEY, FOREIGN = token_key("marks"), token_key("foreign")
IDS = {
    "conversation_id": UNKNOWN_ID,
    "request_id": UNKNOWN_ID,
    "saved_prompt_id": UNKNOWN_ID,
    "prompt_id": "pmpt_" + "0" * 48,
    "provider_id": "unknown",
    "rag_id": "unknown",
    "vector_store_id": "unknown",
    "path:path": "style.css",
}
ROLE_RULES = [
    {"jsonpath": "$.roles[*]", "operator": "contains", "value": action, "roles": [action]}
    for action in Action
]
ACCESS_RULES = [{"role": action, "actions": [action]} for action in Action]


def configuration_of(url: str) -> Configuration:
    """Give each action a role of its name, which a token has by its claim `roles`."""
    token = {"role_rules": ROLE_RULES}
    return Configuration.model_validate(
        {
            "name": "marks",
            "service": {},
            "llama_stack": {"url": "http://localhost:8321"},
            "user_data_collection": {},
            "authentication": {
                "module": "jwk-token",
                "jwk_config": {"url": url, "jwt_configuration": token},
            },
            "authorization": {"access_rules": ACCESS_RULES},
        }
    )


CONFIGURATION = configuration_of("http://localhost:9/keys")
DOCUMENT = document(CONFIGURATION)


def described_operations() -> Iterator[str]:
    for path, item in DOCUMENT["paths"].items():
        yield from (f"{method.upper()} {path}" for method in item)


def undescribed_operations() -> Iterator[str]:
    """Give what is served beside: pages, static files, second spellings."""
    described = set(described_operations())
    app = FastAPI(openapi_url=None)
    include_routes(app)
    for context in iter_route_contexts(app.routes):
        route: Any = context.original_route
        served = {f"{method} {route.path}" for method in route.methods or ()}
        yield from served - described


OPERATIONS = sorted(described_operations()) + sorted(undescribed_operations())
WITH_BODY = [
    operation
    for operation in sorted(described_operations())
    if "requestBody" in DOCUMENT["paths"][operation.split()[1]][operation.split()[0].lower()]
]


@pytest.fixture(scope="module")
def configuration() -> Generator[Configuration]:
    with key_server(KEY) as keys:
        yield configuration_of(keys.url)


@pytest.fixture
async def client(
    configuration: Configuration, tmp_path: Path
) -> AsyncGenerator[httpx2.AsyncClient]:
    engine, store = ScriptedEngine(), MemoryConversationStore()
    authentication = configuration.authentication
    async with (
        wired_assistant(engine, store) as wired,
        open_authenticator(authentication, OutboundSettings()) as authenticator,
    ):
        services = Services(
            configuration=configuration,
            engine=engine,
            authenticator=authenticator,
            authorizer=authorizer_of(authentication, configuration.authorization),
            assistant=wired.assistant,
            conversations=ConversationAccess(store),
            metrics=wired.metrics,
            feedback=a_collector(tmp_path / "feedback"),
            prompts=MemoryPrompts(),
            saved_prompts=SavedPrompts(MemorySavedPrompts(), SavedPromptsConfiguration()),
            files=Files(MemoryFiles()),
            handed_over=files_in_memory(engine, MemoryFiles()),
            mcp=mcp_of_memory(),
        )
        async with client_of(build_app(services)) as opened:
            yield opened


# They are made when the tests are collected, which may be long before they run.
FAR_AHEAD = 4_102_444_800
TOKENS = {
    action: KEY.sign(claims_of("ada", user_id="ada", roles=[action], exp=FAR_AHEAD))
    for action in (None, *Action)
}
BAD_CREDENTIALS = {
    "garbage": "Bearer garbage",
    "another scheme": "Basic YWRhOnNlY3JldA==",
    "expired": f"Bearer {KEY.sign(claims_of('ada', exp=1))}",
    "signed by another": f"Bearer {FOREIGN.sign(claims_of('ada', roles=list(Action)))}",
}


def with_role(action: Action | None) -> str:
    return f"Bearer {TOKENS[action]}"


async def ask(
    client: httpx2.AsyncClient, operation: str, authorization: str | None, body: bytes | None = None
) -> httpx2.Response:
    method, path = fill_in(operation, IDS).split()
    headers = {"content-type": "application/json"}
    if authorization is not None:
        headers["authorization"] = authorization
    if body is None and operation in FORMS:
        del headers["content-type"]
        return await client.request(method, path, headers=headers, files=FORMS[operation])
    if body is None:
        asked = REQUESTS.get(operation)
        body = fill_in(json.dumps(asked), IDS).encode() if asked else b""
    return await client.request(method, path, headers=headers, content=body)


def is_denied(answer: httpx2.Response) -> bool:
    """Say whether the caller lacks the action; nothing but that is said then."""
    return answer.status_code == 403 and answer.json() == {
        "detail": {
            "response": "User does not have permission to access this endpoint",
            "cause": "User ada is not authorized to access this endpoint.",
        }
    }


def is_unauthenticated(answer: httpx2.Response) -> bool:
    response = "Missing or invalid credentials provided by client"
    return answer.status_code == 401 and answer.json()["detail"]["response"] == response


def test_every_operation_has_a_mark() -> None:
    assert set(OPERATIONS) == set(MARKS)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_without_good_credentials_only_what_is_public_is_answered(
    client: httpx2.AsyncClient, operation: str
) -> None:
    is_public = MARKS[operation] == "public"
    for authorization in (None, *BAD_CREDENTIALS.values()):
        answer = await ask(client, operation, authorization)
        assert is_unauthenticated(answer) is not is_public, answer.text
        assert not is_public or answer.status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_known_caller_without_a_role_gets_what_needs_no_action(
    client: httpx2.AsyncClient, operation: str
) -> None:
    answer = await ask(client, operation, with_role(None))
    if isinstance(MARKS[operation], Action):
        assert is_denied(answer), answer.text
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_action_of_a_route_opens_it_and_no_other_action_does(
    client: httpx2.AsyncClient, operation: str
) -> None:
    mark = MARKS[operation]
    for action in Action:
        answer = await ask(client, operation, with_role(action))
        opens = action in {mark, Action.ADMIN} or not isinstance(mark, Action)
        assert is_denied(answer) is not opens, (action, answer.text)
        assert not opens or answer.status_code in {200, 201, 400, 404, 409, 503}, answer.text


@pytest.mark.requirement("check.order")
@pytest.mark.parametrize("operation", WITH_BODY)
async def test_a_body_is_judged_after_the_caller_and_the_action(
    client: httpx2.AsyncClient, operation: str
) -> None:
    mark = MARKS[operation]
    broken = b'{"broken": '
    assert isinstance(mark, Action)
    assert is_unauthenticated(await ask(client, operation, None, broken))
    assert is_denied(await ask(client, operation, with_role(None), broken))
    judged = await ask(client, operation, with_role(mark), broken)
    assert judged.status_code == (415 if operation in FORMS else 422)
