"""Marks of routes, and the order in which a request is judged."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp

from lightspeed_core.api.guards import Guard, GuardedRoute, Open, authenticated, mark_of, public
from lightspeed_core.api.routes import include_routes
from lightspeed_core.api.state import Services
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authorization import Action
from lightspeed_core.config.root import Configuration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Unauthenticated
from tests.support.asgi import build_app, client_of, open_stream, with_state
from tests.support.marks import MARKS
from tests.support.scripted_assistant import ScriptedAssistant


def marked(route: APIRoute) -> Action | str | None:
    mark = mark_of(route)
    return "public" if isinstance(mark, Open) else mark.action


def test_every_route_has_exactly_the_mark_of_the_contract() -> None:
    app = FastAPI(openapi_url=None)
    include_routes(app)
    found: dict[str, Action | str | None] = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        assert isinstance(route, GuardedRoute)
        found |= {f"{method} {route.path}": marked(route) for method in route.methods or ()}
    assert found == MARKS


class RefusingAuthenticator:
    async def authenticate(self, credentials: Credentials) -> Identity:
        del credentials
        raise Unauthenticated("No Authorization header found")


class FixedAuthorizer:
    def __init__(self, *actions: Action) -> None:
        self.actions = frozenset[str](actions)

    def actions_of(self, caller: Identity) -> frozenset[str]:
        del caller
        return self.actions

    def roles_of(self, caller: Identity) -> frozenset[str]:
        return frozenset({f"role of {caller.user_id}"})


GUARDED = [name.replace("{request_id}", "x") for name, mark in MARKS.items() if mark != "public"]


@pytest.mark.requirement("check.order")
@pytest.mark.parametrize("route", GUARDED)
async def test_an_unknown_caller_is_refused_before_the_body_is_read(
    bare: FastAPI, services: Services, route: str
) -> None:
    app = with_state(bare, replace(services, authenticator=RefusingAuthenticator()))
    method, path = route.split()
    headers = {"content-type": "application/json"}
    async with open_stream(app, method, path, body=b"{broken", headers=headers) as stream:
        answer = await stream.rest()
        assert stream.status == 401
        assert b"No Authorization header found" in answer
        assert stream.is_body_unread


@pytest.mark.requirement("check.order")
@pytest.mark.parametrize("route", [route for route in GUARDED if route != "POST /authorized"])
async def test_a_caller_without_the_action_is_refused_before_the_body_is_read(
    bare: FastAPI, services: Services, route: str
) -> None:
    app = with_state(bare, replace(services, authorizer=FixedAuthorizer()))
    method, path = route.split()
    headers = {"content-type": "application/json"}
    async with open_stream(
        app, method, f"{path}?user_id=ada", body=b"{broken", headers=headers
    ) as stream:
        answer = await stream.rest()
        assert stream.status == 403
        assert answer == (
            b'{"detail":{"response":"User does not have permission to access this endpoint",'
            b'"cause":"User ada is not authorized to access this endpoint."}}'
        )
        assert stream.is_body_unread


async def test_a_known_caller_with_a_broken_body_is_told_about_the_body(
    bare: FastAPI, services: Services
) -> None:
    app = with_state(bare, replace(services, authorizer=FixedAuthorizer(Action.QUERY)))
    async with client_of(app) as client:
        answer = await client.post(
            "/v1/query", content=b"{broken", headers={"content-type": "application/json"}
        )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "json_invalid"


async def test_public_pages_ask_nobody(bare: FastAPI, services: Services) -> None:
    app = with_state(bare, replace(services, authenticator=RefusingAuthenticator()))
    async with client_of(app) as client:
        for path in ("/", "/docs", "/redoc", "/openapi.json", "/static/style.css"):
            assert (await client.get(path)).status_code == 200, path


async def test_the_caller_arrives_with_all_that_they_may_do(
    bare: FastAPI, services: Services, assistant: ScriptedAssistant
) -> None:
    granted = (Action.QUERY, Action.MODEL_OVERRIDE)
    app = with_state(bare, replace(services, authorizer=FixedAuthorizer(*granted)))
    async with client_of(app) as client:
        await client.post("/v1/query?user_id=ada", json={"query": "hi"})
    ((_, caller),) = assistant.started
    assert caller.user_id == "ada"
    assert caller.actions == frozenset(granted)
    assert caller.roles == {"role of ada"}


class GuestAuthenticator:
    """Takes everybody for a guest who may ask for probes, and notes the paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def authenticate(self, credentials: Credentials) -> Identity:
        self.paths.append(credentials.path)
        return Identity(user_id="guest", username="guest", actions=frozenset({Action.INFO}))


@pytest.mark.requirement("auth.skip")
async def test_what_is_open_to_anybody_needs_no_access_rule(
    bare: FastAPI, services: Services
) -> None:
    open_to_guests = replace(
        services, authenticator=GuestAuthenticator(), authorizer=FixedAuthorizer()
    )
    async with client_of(with_state(bare, open_to_guests)) as client:
        assert (await client.get("/liveness")).status_code == 200
        assert (await client.get("/metrics")).status_code == 403


@pytest.mark.requirement("auth.skip")
@pytest.mark.parametrize("path", ["/liveness", "/assistant/liveness"])
async def test_a_path_is_judged_without_the_published_prefix(services: Services, path: str) -> None:
    configured = services.configuration.model_dump() | {"service": {"root_path": "/assistant"}}
    guests = GuestAuthenticator()
    under_a_prefix = replace(
        services,
        configuration=Configuration.model_validate(configured),
        authenticator=guests,
    )
    async with client_of(build_app(under_a_prefix)) as client:
        assert (await client.get(path)).status_code == 200
    assert guests.paths == ["/liveness"]


def test_a_route_without_a_mark_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(TypeError, match="exactly one mark, this one has 0"):
        router.add_api_route("/bare", lambda: None)


def test_a_route_with_two_marks_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute, dependencies=[public()])
    with pytest.raises(TypeError, match="exactly one mark, this one has 2"):
        router.add_api_route("/both", lambda: None, dependencies=[authenticated()])


def test_guards_are_told_apart_by_their_action() -> None:
    assert Guard(Action.QUERY) != Guard(Action.INFO)


BROKEN: dict[str, Any] = {
    "not a number": b'{"query": "x", "no_tools": NaN}',
    "a lone surrogate": b'{"query": "\\ud800"}',
    "bytes that are not UTF-8": b'{"query": "\xff"}',
    "nesting without end": b"[" * 10_000,
    "an unfinished object": b'{"query": ',
    "nothing at all": b"",
    "a list": b"[]",
    "a NUL": b'{"query": "a\\u0000b"}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_a_body_that_cannot_be_used_is_422(
    bare: FastAPI, services: Services, assistant: ScriptedAssistant, body: bytes
) -> None:
    async with client_of(with_state(bare, services)) as client:
        answer = await client.post(
            "/v1/query", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], list)
    assert assistant.started == []


async def endless(part: bytes) -> AsyncIterator[bytes]:
    while True:
        yield part


@pytest.mark.parametrize("endpoint", ["query", "streaming_query"])
async def test_a_body_without_end_is_too_long(app: ASGIApp, endpoint: str) -> None:
    async with client_of(app) as client:
        answer = await client.post(
            f"/v1/{endpoint}",
            content=endless(bytes(1024 * 1024)),
            headers={"content-type": "application/json"},
        )

    assert answer.status_code == 413
    assert answer.json()["detail"]["response"] == "Request body is too large"


async def test_a_body_that_ends_too_early_is_no_fault_of_the_service(
    app: ASGIApp, assistant: ScriptedAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stream(app, "POST", "/v1/query", body=b'{"query"') as stream:
        stream.request[0]["more_body"] = True
        stream.gone.set()
        await stream.wait_for_begin()

    assert stream.status == 400
    assert assistant.started == []
    assert [each.levelname for each in caplog.records if each.levelno > logging.INFO] == []
