"""The module `jwk-token` over real HTTP: what a key server can do to it, and what it is asked."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lightspeed_core.auth.authenticator import Authenticator
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.auth.jwt.server import FETCH_SECONDS, LARGEST_KEY_SET_BYTES
from lightspeed_core.auth.registry import open_authenticator
from lightspeed_core.config.authentication import AuthenticationConfiguration
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import AuthenticationUnavailable, Unauthenticated
from lightspeed_core.http.settings import OutboundSettings
from tests.support.key_server import (
    Behaviour,
    KeyServer,
    answer_bytes,
    answer_never,
    answer_redirect,
    key_server,
)
from tests.support.tokens import TokenKey, claims_of, token_key

OLD, NEW = token_key("old", "RS256"), token_key("new", "RS256")


@pytest.fixture
def server() -> Generator[KeyServer]:
    with key_server(OLD) as server:
        yield server


@asynccontextmanager
async def module_over(url: str, **jwt: Any) -> AsyncGenerator[Authenticator]:
    configuration = AuthenticationConfiguration.model_validate(
        {"module": "jwk-token", "jwk_config": {"url": url, "jwt_configuration": jwt}}
    )
    async with open_authenticator(configuration, OutboundSettings()) as module:
        yield module


async def identity_of(module: Authenticator, token: str) -> Identity:
    headers = [("authorization", f"Bearer {token}")]
    return await module.authenticate(Credentials(path="/v1/query", headers=headers))


async def test_keys_come_from_the_server_once(server: KeyServer) -> None:
    async with module_over(server.url) as module, asyncio.TaskGroup() as group:
        callers = [
            group.create_task(identity_of(module, OLD.sign(claims_of(f"user-{number}"))))
            for number in range(50)
        ]
    assert {task.result().user_id for task in callers} == {f"user-{n}" for n in range(50)}
    assert server.fetches == 1


@pytest.mark.attack(4)
async def test_a_thousand_tokens_of_unknown_keys_cost_two_fetches(
    server: KeyServer,
) -> None:
    async def refused(module: Authenticator, number: int) -> None:
        with pytest.raises(Unauthenticated, match="unknown key"):
            await identity_of(module, TokenKey(NEW.key, "RS256", f"no-{number}").sign())

    async with module_over(server.url) as module, asyncio.TaskGroup() as group:
        for number in range(1000):
            group.create_task(refused(module, number))
    assert server.fetches <= 2


async def test_a_new_key_is_fetched_at_its_first_token(server: KeyServer) -> None:
    async with module_over(server.url) as module:
        await identity_of(module, OLD.sign())
        server.publish(OLD, NEW)
        assert (await identity_of(module, NEW.sign(claims_of("bob")))).user_id == "bob"
    assert server.fetches == 2


@pytest.mark.attack(6)
async def test_a_token_cannot_name_its_own_key_server(server: KeyServer) -> None:
    with key_server(NEW) as elsewhere:
        async with module_over(server.url) as module:
            token = NEW.sign(header={"jku": elsewhere.url, "jwk": NEW.published()})
            with pytest.raises(Unauthenticated):
                await identity_of(module, token)
        assert elsewhere.fetches == 0


@pytest.mark.attack(5)
async def test_a_key_id_never_becomes_part_of_an_address(server: KeyServer) -> None:
    async with module_over(server.url) as module:
        for kid in ("../../../../etc/passwd", "' OR 1=1 --", "http://127.0.0.1/"):
            with pytest.raises(Unauthenticated):
                await identity_of(module, NEW.sign(header={"kid": kid}))
    assert set(server.paths) == {"/keys"}


@pytest.mark.requirement("jwk.server")
@pytest.mark.attack(12)
@pytest.mark.parametrize(
    "behave",
    [
        answer_bytes(b" " * 10_000_000),
        answer_bytes(b'{"keys": [' + b"{}," * (LARGEST_KEY_SET_BYTES // 3) + b"{}]}"),
        answer_redirect("http://169.254.169.254/latest/meta-data/"),
        answer_redirect("http://localhost:9/keys"),
        answer_redirect("file:///etc/passwd"),
        answer_bytes(b"<html>", 200),
        answer_bytes(json.dumps({"keys": [OLD.published()]}).encode(), 500),
        answer_bytes(b'{"keys": 5}'),
    ],
)
async def test_a_key_server_that_misbehaves_gives_no_keys(
    server: KeyServer, behave: Behaviour
) -> None:
    server.behave = behave
    async with module_over(server.url) as module:
        for _ in range(3):
            with pytest.raises(AuthenticationUnavailable):
                await identity_of(module, OLD.sign())
    assert server.fetches == 1


@pytest.mark.attack(12)
async def test_a_key_server_that_never_answers_is_given_up(server: KeyServer) -> None:
    server.behave = answer_never
    async with module_over(server.url) as module, asyncio.timeout(FETCH_SECONDS + 10):
        with pytest.raises(AuthenticationUnavailable):
            await identity_of(module, OLD.sign())


@pytest.mark.attack(11)
async def test_a_key_server_that_is_not_there_admits_nobody() -> None:
    with key_server(OLD) as gone:
        url = gone.url
    async with module_over(url) as module:
        with pytest.raises(AuthenticationUnavailable) as refusal:
            await identity_of(module, OLD.sign())
    assert refusal.value.cause == "Unable to reach authentication key server"


@pytest.mark.attack(11)
async def test_keys_at_hand_serve_while_their_server_is_down(server: KeyServer) -> None:
    async with module_over(server.url) as module:
        await identity_of(module, OLD.sign())
        server.behave = answer_bytes(b"", 503)

        assert (await identity_of(module, OLD.sign(claims_of("bob")))).user_id == "bob"
        with pytest.raises(AuthenticationUnavailable):
            await identity_of(module, NEW.sign())
        assert (await identity_of(module, OLD.sign(claims_of("eve")))).user_id == "eve"
