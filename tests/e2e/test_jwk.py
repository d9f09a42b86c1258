"""The service with `jwk-token`, configured as for the original, asked as any client asks it."""

import time
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from tests.support.key_server import KeyServer, answer_bytes, answer_keys, key_server
from tests.support.service import START_SECONDS, Service, running_service
from tests.support.tokens import claims_of, token_key

CONFIG = """\
name: Lightspeed Core Service (LCS)
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", auth_enabled: true}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
authentication:
  module: jwk-token
  jwk_config:
    url: {url}
    jwt_configuration: {{user_id_claim: sub, username_claim: preferred_username}}
"""
KEY, NEW = token_key("e2e", "RS256"), token_key("e2e-new", "RS256")
QUESTION: dict[str, Any] = {"query": "How do I change the port?", "generate_topic_summary": False}


@pytest.fixture(scope="module")
def keys() -> Generator[KeyServer]:
    with key_server(KEY) as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_environment: dict[str, str], keys: KeyServer
) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("jwk")
    config = folder / "lightspeed-stack.yaml"
    config.write_text(CONFIG.format(url=keys.url))
    # Its first fetch finds the key server down.
    keys.behave = answer_bytes(b"", 503)
    with running_service(folder / "data", environment=model_environment, config=config) as started:
        until = time.monotonic() + START_SECONDS
        while not keys.fetches and time.monotonic() < until:
            time.sleep(0.05)
        yield started


@pytest.fixture
def client(service: Service) -> Generator[httpx2.Client]:
    with service.client() as client:
        yield client


def token_of(user: str, **more: Any) -> str:
    claims = claims_of(user, **{"sub": user, "preferred_username": user.title(), **more})
    return KEY.sign(claims, header={"typ": "JWT"})


def as_user(user: str, **more: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(user, **more)}"}


def detail_of(answer: httpx2.Response) -> tuple[int, str, str]:
    detail = answer.json()["detail"]
    return answer.status_code, detail["response"], detail["cause"]


@pytest.mark.attack(11)
@pytest.mark.requirement("jwk.outage")
def test_before_the_keys_are_known_nobody_is_admitted(
    client: httpx2.Client, keys: KeyServer
) -> None:
    answer = client.post("/authorized", headers=as_user("ada"))

    assert detail_of(answer) == (
        503,
        "Unable to connect to authentication key server",
        "Unable to reach authentication key server",
    )
    wait = int(answer.headers["Retry-After"])
    keys.behave = answer_keys
    until = time.monotonic() + wait + 10
    while answer.status_code == 503 and time.monotonic() < until:
        time.sleep(0.1)
        answer = client.post("/authorized", headers=as_user("ada"))
    assert answer.json() == {"user_id": "ada", "username": "Ada", "skip_userid_check": False}


@pytest.mark.requirement("jwk.refusals")
def test_who_shows_no_good_token_is_refused_with_its_cause(client: httpx2.Client) -> None:
    refused = "Missing or invalid credentials provided by client"

    def ask(authorization: str | None) -> tuple[int, str, str]:
        headers = {} if authorization is None else {"Authorization": authorization}
        return detail_of(client.post("/v1/query", json={"broken": 1}, headers=headers))

    assert ask(None) == (401, refused, "No Authorization header found")
    assert ask("Basic YTpi") == (401, refused, "No token found in Authorization header")
    assert ask("Bearer garbage") == (401, refused, "Token could not be decoded")
    assert ask(f"Bearer {token_of('ada', exp=1)}") == (401, refused, "Token has expired")
    assert ask(f"Bearer {token_of('ada', sub=None)}") == (401, refused, "Token missing claim: sub")
    unsigned = token_of("ada").rpartition(".")[0] + "."
    assert ask(f"Bearer {unsigned}") == (401, refused, "Invalid token signature")


@pytest.mark.attack(13)
def test_two_tokens_are_400(client: httpx2.Client) -> None:
    both = [("Authorization", f"Bearer {token_of(user)}") for user in ("ada", "bob")]

    assert client.post("/authorized", headers=both).status_code == 400


@pytest.mark.attack(10)
def test_a_long_token_is_refused(client: httpx2.Client) -> None:
    answer = client.post("/authorized", headers=as_user("ada", filling="x" * 20_000))

    assert answer.status_code == 401


@pytest.mark.requirement("jwk.caller")
def test_what_is_asked_belongs_to_whom_the_token_names(
    client: httpx2.Client, service: Service
) -> None:
    answer = client.post("/v1/query", json=QUESTION, headers=as_user("ada"))
    assert answer.status_code == 200
    conversation = answer.json()["conversation_id"]

    path = f"/v1/conversations/{conversation}"
    assert client.get(path, headers=as_user("ada")).status_code == 200
    assert client.get(path, headers=as_user("bob")).status_code == 403
    assert token_of("ada").partition(".")[0] not in service.output()


@pytest.mark.requirement("jwk.rotation")
def test_a_new_key_serves_at_once_and_an_old_one_no_longer(
    client: httpx2.Client, keys: KeyServer
) -> None:
    old = as_user("ada")
    assert client.post("/authorized", headers=old).status_code == 200
    keys.publish(NEW)
    claims = claims_of("bob", sub="bob", preferred_username="Bob")
    new = {"Authorization": f"Bearer {NEW.sign(claims)}"}

    assert client.post("/authorized", headers=new).json()["user_id"] == "bob"
    assert detail_of(client.post("/authorized", headers=old))[2] == "Token signed by unknown key"
