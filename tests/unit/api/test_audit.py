"""Which requests leave a decision behind, and what it says."""

from dataclasses import dataclass, replace

import pytest

from lightspeed_core.api.state import Services
from lightspeed_core.audit.decision import Decision, Outcome, render_decision
from lightspeed_core.audit.trail import NoTrail
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authorization import Action
from lightspeed_core.constants import DEFAULT_USER_ID
from lightspeed_core.conversations.store import ConversationStore
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import NotReady, QuotaExceeded, Unauthenticated
from tests.support.asgi import build_app, client_of, open_stream
from tests.support.audit import HeardTrail
from tests.support.databases import a_turn, answered
from tests.support.scripted_assistant import CONVERSATION_ID, ScriptedAssistant

SECRET = "s3cr3t-t0k3n"
WORD = "pomegranate"


@pytest.fixture
def trail() -> HeardTrail:
    return HeardTrail()


@pytest.fixture
def audited(services: Services, trail: HeardTrail) -> Services:
    return replace(services, audit=trail)


class Bearers:
    """Believes any bearer token to be a user's name."""

    async def authenticate(self, credentials: Credentials) -> Identity:
        name = dict(credentials.headers).get("authorization", "").removeprefix("Bearer ")
        if not name or name == SECRET:
            raise Unauthenticated("No token found in Authorization header")
        return Identity(user_id=name, username=name)


@dataclass
class Granting:
    """Grants the same actions to everybody."""

    actions: frozenset[str]

    def actions_of(self, caller: Identity) -> frozenset[str]:
        del caller
        return self.actions

    def roles_of(self, caller: Identity) -> frozenset[str]:
        del caller
        return frozenset()


async def ask(
    services: Services, method: str, path: str, *, token: str | None = None, body: object = None
) -> int:
    headers = {"x-request-id": "trace-1"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with client_of(build_app(services)) as client:
        answer = await client.request(method, path, json=body, headers=headers)
    return answer.status_code


async def test_an_allowed_request_is_one_decision(audited: Services, trail: HeardTrail) -> None:
    path = f"/v1/query?user_id=ada&note={WORD}"
    assert await ask(audited, "POST", path, body={"query": WORD}) == 200

    [decision] = trail.heard
    assert replace(decision, at=0) == Decision(
        at=0,
        request_id="trace-1",
        outcome=Outcome.ALLOWED,
        status=200,
        code=None,
        user_id="ada",
        module="noop",
        client="127.0.0.1",
        action=Action.QUERY,
        method="POST",
        resource={"route": "/v1/query"},
    )
    assert WORD not in render_decision(decision)


async def test_refused_credentials_are_denied_and_never_written(
    audited: Services, trail: HeardTrail
) -> None:
    services = replace(audited, authenticator=Bearers())
    assert await ask(services, "GET", "/v1/models", token=SECRET) == 401

    [decision] = trail.heard
    assert (decision.outcome, decision.code) == (Outcome.DENIED, "unauthenticated")
    assert decision.user_id is None
    assert SECRET not in render_decision(decision)


async def test_unreadable_credentials_are_denied(audited: Services, trail: HeardTrail) -> None:
    assert await ask(audited, "GET", "/v1/models?user_id=") == 400
    assert (trail.heard[0].outcome, trail.heard[0].code) == (Outcome.DENIED, "malformed_request")


async def test_a_missing_right_is_denied_by_name(audited: Services, trail: HeardTrail) -> None:
    services = replace(
        audited, authenticator=Bearers(), authorizer=Granting(frozenset({Action.QUERY}))
    )
    assert await ask(services, "PUT", "/v1/feedback/status", token="bob", body={}) == 403

    [decision] = trail.heard
    assert (decision.outcome, decision.user_id, decision.action, decision.code) == (
        Outcome.DENIED,
        "bob",
        Action.ADMIN,
        "forbidden",
    )


@pytest.mark.parametrize("has_power", [False, True])
async def test_the_conversation_of_another_is_told_with_its_owner_and_the_power(
    audited: Services, trail: HeardTrail, store: ConversationStore, has_power: bool
) -> None:
    turn = await answered(store, a_turn(user_id="ann"))
    granted = {Action.GET_CONVERSATION}
    if has_power:
        granted.add(Action.READ_OTHER_CONVERSATIONS)
    services = replace(audited, authenticator=Bearers(), authorizer=Granting(frozenset(granted)))

    path = f"/v1/conversations/{turn.conversation_id}"
    assert await ask(services, "GET", path, token="bob") == (200 if has_power else 403)

    [decision] = trail.heard
    assert decision.outcome is (Outcome.ALLOWED if has_power else Outcome.DENIED)
    assert decision.resource == {
        "route": "/v1/conversations/{conversation_id}",
        "conversation_id": turn.conversation_id,
        "owner": "ann",
    } | ({"power": "read_other_conversations"} if has_power else {})


async def test_a_list_of_all_conversations_is_told_by_its_power(
    audited: Services, trail: HeardTrail
) -> None:
    granted = frozenset({Action.LIST_CONVERSATIONS, Action.LIST_OTHER_CONVERSATIONS})
    services = replace(audited, authorizer=Granting(granted))
    assert await ask(services, "GET", "/v1/conversations") == 200
    assert trail.heard[0].resource["power"] == "list_other_conversations"


async def test_feedback_on_the_conversation_of_another_is_denied(
    audited: Services, trail: HeardTrail
) -> None:
    body = {
        "conversation_id": CONVERSATION_ID,
        "user_question": WORD,
        "llm_response": WORD,
        "user_feedback": WORD,
    }
    assert await ask(audited, "POST", "/v1/feedback?user_id=eve", body=body) == 403
    [decision] = trail.heard
    assert decision.resource == {
        "route": "/v1/feedback",
        "conversation_id": CONVERSATION_ID,
        "owner": DEFAULT_USER_ID,
    }
    assert WORD not in render_decision(decision)


async def test_a_change_of_the_switch_says_to_what(audited: Services, trail: HeardTrail) -> None:
    body = {"status": False}
    assert await ask(audited, "PUT", "/v1/feedback/status", body=body) == 200
    assert trail.heard[0].resource["enabled"] == "false"


async def test_a_deletion_is_told(audited: Services, trail: HeardTrail) -> None:
    path = f"/v1/conversations/{CONVERSATION_ID}"
    assert await ask(audited, "DELETE", path) == 200
    [decision] = trail.heard
    assert (decision.method, decision.action) == ("DELETE", Action.DELETE_CONVERSATION)
    assert decision.resource["conversation_id"] == CONVERSATION_ID


async def test_a_spent_quota_is_denied(
    audited: Services, trail: HeardTrail, assistant: ScriptedAssistant
) -> None:
    assistant.refusal = QuotaExceeded("The quota has been exceeded", "User ann has no tokens")
    assert await ask(audited, "POST", "/v1/query", body={"query": "x"}) == 429
    assert (trail.heard[0].outcome, trail.heard[0].code) == (Outcome.DENIED, "quota_exceeded")


@pytest.mark.parametrize(
    ("refusal", "body", "status", "code"),
    [
        (None, {}, 422, "validation_error"),
        (ZeroDivisionError(), {"query": "x"}, 500, "internal_error"),
        (NotReady("Soon.", retry_after=1), {"query": "x"}, 503, "not_ready"),
    ],
)
async def test_what_was_admitted_and_not_done_has_failed(
    audited: Services,
    trail: HeardTrail,
    assistant: ScriptedAssistant,
    refusal: Exception | None,
    body: object,
    status: int,
    code: str,
) -> None:
    assistant.refusal = refusal
    assert await ask(audited, "POST", "/v1/query", body=body) == status
    [decision] = trail.heard
    assert (decision.outcome, decision.code) == (Outcome.FAILED, code)
    assert decision.user_id == DEFAULT_USER_ID


async def test_a_stream_is_told_when_it_begins(services: Services, trail: HeardTrail) -> None:
    app = build_app(replace(services, audit=trail))
    headers = {"content-type": "application/json"}
    async with open_stream(
        app, "POST", "/v1/streaming_query", body=b'{"query": "x"}', headers=headers
    ) as stream:
        await stream.wait_for_begin()
        assert len(trail.heard) == 1
        await stream.rest()
    assert len(trail.heard) == 1


@pytest.mark.parametrize(
    "path", ["/", "/v1/feedback/status", "/nope", "/liveness", "/readiness", "/metrics"]
)
async def test_public_routes_unknown_paths_and_probes_leave_nothing(
    audited: Services, trail: HeardTrail, path: str
) -> None:
    await ask(audited, "GET", path)
    assert trail.heard == []


@pytest.mark.parametrize("path", ["/v1/liveness", "/metrics"])
async def test_a_refused_probe_is_told(audited: Services, trail: HeardTrail, path: str) -> None:
    services = replace(audited, authenticator=Bearers())
    assert await ask(services, "GET", path) == 401
    assert [decision.outcome for decision in trail.heard] == [Outcome.DENIED]


class ClosedTrail(NoTrail):
    """Can store nothing and must."""

    def require_open(self) -> None:
        raise NotReady("Decisions cannot be recorded at present.", retry_after=1)


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/models", 503), ("/liveness", 200), ("/metrics", 200), ("/", 200)]
)
async def test_only_what_would_be_told_waits_for_a_trail_that_is_closed(
    services: Services, path: str, status: int
) -> None:
    assert await ask(replace(services, audit=ClosedTrail()), "GET", path) == status


async def test_a_request_is_refused_before_its_caller_is_asked_for(services: Services) -> None:
    app = build_app(replace(services, audit=ClosedTrail(), authenticator=Bearers()))
    async with client_of(app) as client:
        answer = await client.get("/v1/models")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
