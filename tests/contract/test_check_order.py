"""Several things are wrong with a question: the first in the documented order is answered."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from lightspeed_core.api.state import Services
from lightspeed_core.assistant.context import AssistantSettings
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authorization import Action
from lightspeed_core.config.limits import SavedPromptsConfiguration
from lightspeed_core.config.root import Configuration
from lightspeed_core.conversations.access import ConversationAccess
from lightspeed_core.conversations.memory import MemoryConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.domain.messages import TokenUsage
from lightspeed_core.domain.turn import ModelRef
from lightspeed_core.errors import Unauthenticated
from lightspeed_core.files.access import Files
from lightspeed_core.files.memory import MemoryFiles
from lightspeed_core.prompts.memory import MemoryPrompts, MemorySavedPrompts
from lightspeed_core.prompts.saved import SavedPrompts
from lightspeed_core.quota.account import QuotasOfRoutes
from tests.support.asgi import build_app, client_of
from tests.support.assistants import caller, wired_assistant
from tests.support.feedback import a_collector
from tests.support.handing_over import files_in_memory
from tests.support.mcp_parts import mcp_of_memory
from tests.support.quotas import Counting, a_limiter
from tests.support.scripted_engine import DEFAULT_MODEL, ScriptedEngine

pytestmark = pytest.mark.requirement("check.order")

API_PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
ENDPOINTS = ("/v1/query", "/v1/streaming_query")
UNKNOWN_ID = "123e4567-e89b-42d3-a456-426614174000"
SETTINGS = AssistantSettings(system_prompt="Be brief.", allow_system_prompt=False)


class TokenAuthenticator:
    """Knows whoever sends a token by that name."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        name = credentials.header("authorization")
        if name is None:
            raise Unauthenticated("No Authorization header found")
        return Identity(user_id=name, username=name)


@dataclass
class TableAuthorizer:
    """Grants what the test wrote down for a user."""

    granted: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def actions_of(self, caller: Identity) -> frozenset[str]:
        return self.granted.get(caller.user_id, frozenset())

    def roles_of(self, caller: Identity) -> frozenset[str]:
        del caller
        return frozenset()


ASKING = frozenset[str]({Action.QUERY, Action.STREAMING_QUERY})
ACTIONS = {
    "nobody": frozenset[str](),
    "asker": ASKING,
    "ann": caller("ann").actions,
    "ben": caller("ben").actions,
}


@pytest.fixture
async def app() -> AsyncGenerator[ASGIApp]:
    engine, store = ScriptedEngine(), MemoryConversationStore()
    configuration = Configuration.model_validate(
        {
            "name": "checks",
            "service": {},
            "llama_stack": {"url": "http://localhost:8321"},
            "user_data_collection": {},
        }
    )
    quotas = Counting(a_limiter(initial=5))
    spent = quotas.quotas.account(caller("ann"), ModelRef.parse(DEFAULT_MODEL))
    await spent.reserve(5)
    spent.use(TokenUsage(input_tokens=5, output_tokens=0))
    await spent.settle()
    async with wired_assistant(
        engine, store, settings=SETTINGS, quotas=QuotasOfRoutes(turns=quotas.quotas)
    ) as wired:
        yield build_app(
            Services(
                configuration=configuration,
                engine=engine,
                authenticator=TokenAuthenticator(),
                authorizer=TableAuthorizer(ACTIONS),
                assistant=wired.assistant,
                conversations=ConversationAccess(store),
                metrics=wired.metrics,
                feedback=a_collector(None),
                prompts=MemoryPrompts(),
                saved_prompts=SavedPrompts(MemorySavedPrompts(), SavedPromptsConfiguration()),
                files=Files(MemoryFiles()),
                handed_over=files_in_memory(engine, MemoryFiles()),
                mcp=mcp_of_memory(),
            )
        )


# Everything that can be wrong at once, and what mends each fault, in the order of the checks.
WRONG: dict[str, Any] = {
    "query": "x",
    "colour": "red",
    "provider": "scripted",
    "model": "nope",
    "conversation_id": UNKNOWN_ID,
    "system_prompt": "Be a pirate.",
    "attachments": [{"attachment_type": "foo", "content_type": "text/plain", "content": "x"}],
    "shield_ids": ["nope"],
    "vector_store_ids": ["nope"],
}


@dataclass(frozen=True)
class Step:
    """A fault: its number on the page, what is answered, and what mends it."""

    number: int
    status: int
    says: str
    mended_by: tuple[str, Any]


STEPS = (
    Step(1, 401, "Missing or invalid credentials", ("as", "nobody")),
    Step(2, 403, "permission to access this endpoint", ("as", "asker")),
    Step(3, 422, "Extra inputs are not permitted", ("colour", None)),
    Step(4, 403, "model_override", ("as", "ann")),
    Step(5, 404, "Conversation not found", ("conversation_id", None)),
    Step(6, 404, "Model not found", ("model", "model")),
    Step(7, 422, "System prompt customization is disabled", ("system_prompt", None)),
    Step(7, 422, "Invalid attachment type foo", ("attachments", None)),
    Step(7, 404, "Shield not found", ("shield_ids", None)),
    Step(8, 404, "Vector Store not found", ("vector_store_ids", None)),
    Step(9, 429, "User ann has no available tokens", ("as", "ben")),
)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_faults_are_answered_one_by_one_in_their_order(app: ASGIApp, endpoint: str) -> None:
    body = dict(WRONG)
    headers: dict[str, str] = {}
    async with client_of(app) as client:
        for step in STEPS:
            answer = await client.post(endpoint, json=body, headers=headers)
            assert answer.status_code == step.status, answer.text
            assert step.says in answer.text
            key, value = step.mended_by
            if key == "as":
                headers = {"Authorization": value}
            elif value is None:
                del body[key]
            else:
                body[key] = value
        answer = await client.post(endpoint, json=body, headers=headers)
        assert answer.status_code == 200, answer.text


def test_the_page_lists_the_checks_in_this_order() -> None:
    section = API_PAGE.read_text().partition("## Order of checks")[2].partition("\n## ")[0]
    checks = re.findall(r"^(\d)\. .*?\? (.*)$", section, re.MULTILINE)
    statuses = {int(number): re.findall(r"\d{3}", answers) for number, answers in checks}
    assert set(statuses) == {step.number for step in STEPS}
    for step in STEPS:
        assert str(step.status) in statuses[step.number]


INFER_WRONG: dict[str, Any] = {"question": " ", "colour": "red"}


async def test_a_question_of_a_command_line_is_judged_in_the_same_order(app: ASGIApp) -> None:
    async with client_of(app) as client:

        async def status(name: str | None, body: dict[str, Any]) -> int:
            headers = {"Authorization": name} if name else {}
            return (await client.post("/v1/infer", json=body, headers=headers)).status_code

        assert await status(None, INFER_WRONG) == 401
        assert await status("asker", INFER_WRONG) == 403
        assert await status("ann", INFER_WRONG) == 422
        assert await status("ann", {"question": "x"}) == 200


async def test_an_answer_to_an_approval_is_judged_in_the_same_order(app: ASGIApp) -> None:
    async with client_of(app) as client:

        async def status(name: str | None, body: dict[str, Any]) -> int:
            headers = {"Authorization": name} if name else {}
            path = f"/v1/approvals/{UNKNOWN_ID}"
            return (await client.post(path, json=body, headers=headers)).status_code

        assert await status(None, {"colour": "red"}) == 401
        assert await status("nobody", {"colour": "red"}) == 403
        assert await status("asker", {"colour": "red"}) == 422
        assert await status("asker", {"approve": True}) == 404


async def test_a_file_for_a_vector_store_is_judged_in_the_same_order(app: ASGIApp) -> None:
    async with client_of(app) as client:

        async def status(name: str | None, body: dict[str, Any]) -> int:
            headers = {"Authorization": name} if name else {}
            path = f"/v1/vector-stores/{UNKNOWN_ID}/files"
            return (await client.post(path, json=body, headers=headers)).status_code

        assert await status(None, {"colour": "red"}) == 401
        assert await status("asker", {"colour": "red"}) == 403
        assert await status("ann", {"colour": "red"}) == 422
        assert await status("ann", {"file_id": UNKNOWN_ID}) == 404
