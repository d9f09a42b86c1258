"""Callers of started services whose authentication module asks for something."""

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.key_server import key_server
from tests.support.service import running_service
from tests.support.tokens import claims_of, token_key

CONFIG = """\
name: asking
service: {{host: 127.0.0.1, port: "${{env.LIGHTSPEED_PORT}}", root_path: /assistant}}
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
authentication:
  skip_for_health_probes: true
  {authentication}
"""
DEFAULT_USER = "00000000-0000-0000-0000-000"
RULES = """\
authorization:
  access_rules: [{role: "*", actions: [get_models]}]
"""
SECRET = "a-very-secret-word"


@contextmanager
def asking(folder: Path, authentication: str, more: str = "") -> Generator[httpx2.Client]:
    """Start a service with an authentication section, and connect to it."""
    config = folder / "lcs.yaml"
    config.write_text(CONFIG.format(authentication=authentication) + more)
    with running_service(folder / "data", config=config) as started:
        started.wait_until_listening()
        with started.client() as client:
            yield client
        assert SECRET not in started.output()


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> Generator[httpx2.Client]:
    with asking(tmp_path_factory.mktemp("token"), "module: noop-with-token") as client:
        yield client


@pytest.mark.requirement("auth.module")
@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({}, "No Authorization header found"),
        ({"Authorization": "Bearer"}, "No token found in Authorization header"),
    ],
)
def test_without_one_bearer_token_the_caller_is_refused(
    with_token: httpx2.Client, headers: dict[str, str], cause: str
) -> None:
    answer = with_token.post("/authorized", headers=headers)

    assert answer.status_code == 401
    response = "Missing or invalid credentials provided by client"
    assert answer.json() == {"detail": {"response": response, "cause": cause}}
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.requirement("auth.module")
def test_the_named_user_is_believed_and_the_token_not_shown(with_token: httpx2.Client) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    answer = with_token.post("/authorized?user_id=ada", headers=headers)

    assert answer.status_code == 200
    assert answer.json() == {
        "user_id": "ada",
        "username": "lightspeed-user",
        "skip_userid_check": True,
    }


@pytest.mark.attack(13)
@pytest.mark.requirement("auth.twice")
def test_credentials_that_are_sent_twice_are_ambiguous(with_token: httpx2.Client) -> None:
    token = ("Authorization", f"Bearer {SECRET}")
    answers = [
        with_token.post("/authorized", headers=[token, token]),
        with_token.post("/authorized?user_id=ada&user_id=bob", headers=[token]),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["detail"]["response"] == "Ambiguous credentials"


@pytest.mark.requirement("auth.skip")
@pytest.mark.parametrize("prefix", ["", "/assistant"])
def test_probes_are_open_and_nothing_else_under_either_path(
    with_token: httpx2.Client, prefix: str
) -> None:
    for path in ("/liveness", "/v1/liveness"):
        assert with_token.get(prefix + path).status_code == 200, path
    for path in ("/metrics", "/v1/info", "/v1/config"):
        assert with_token.get(prefix + path).status_code == 401, path


@pytest.mark.requirement("auth.module")
def test_whoever_has_the_key_is_the_default_user(tmp_path: Path) -> None:
    section = f"module: api-key-token\n  api_key_config: {{api_key: {SECRET}}}"
    with asking(tmp_path, section) as client:

        def status(header: str) -> int:
            return client.post("/authorized", headers={"Authorization": header}).status_code

        assert (status("Bearer wrong"), status(f"Basic {SECRET}")) == (401, 401)
        answer = client.post("/authorized", headers={"Authorization": f"Bearer {SECRET}"})
        assert (answer.status_code, answer.json()["user_id"]) == (200, DEFAULT_USER)
        shown = client.get("/v1/config", headers={"Authorization": f"Bearer {SECRET}"})
        assert (shown.status_code, SECRET in shown.text) == (200, False)


@pytest.mark.requirement("auth.module")
@pytest.mark.requirement("auth.rules")
def test_whom_the_gateway_names_may_do_what_the_rules_allow(tmp_path: Path) -> None:
    identity = {"identity": {"type": "User", "user": {"user_id": "u-1", "username": "ada"}}}
    headers = {"x-rh-identity": base64.b64encode(json.dumps(identity).encode()).decode()}
    with asking(tmp_path, "module: rh-identity\n  rh_identity_config: {}", RULES) as client:
        known = client.post("/authorized", headers=headers)
        assert known.json() == {"user_id": "u-1", "username": "ada", "skip_userid_check": False}
        denied = client.get("/v1/info", headers=headers)
        assert denied.status_code == 403
        assert denied.json()["detail"]["cause"] == (
            "User u-1 is not authorized to access this endpoint."
        )
        assert client.post("/authorized", headers={"x-rh-identity": "%"}).status_code == 400


JWK = """\
module: jwk-token
  jwk_config:
    url: {url}
    jwt_configuration:
      role_rules:
        - {{jsonpath: "$.realm_access.roles[*]", operator: contains, value: asker, roles: [asker]}}
        - {{jsonpath: "$.realm_access.roles[*]", operator: contains, value: asker, negate: true,
           roles: [reader]}}"""
JWK_RULES = """\
authorization:
  access_rules:
    - {role: asker, actions: [query, get_models]}
    - {role: reader, actions: [list_conversations]}
"""
KEY = token_key("roles")


@pytest.mark.requirement("auth.rules")
def test_a_token_may_do_what_its_roles_are_allowed(tmp_path: Path) -> None:
    def headers_of(user: str, *roles: str) -> dict[str, str]:
        claims = claims_of(user, user_id=user, realm_access={"roles": roles})
        return {"Authorization": f"Bearer {KEY.sign(claims)}"}

    ann, bob = headers_of("ann", "asker"), headers_of("bob", "other")
    with key_server(KEY) as keys, asking(tmp_path, JWK.format(url=keys.url), JWK_RULES) as client:
        denied = client.post("/v1/query", json={"query": "x"}, headers=bob)
        assert denied.status_code == 403
        assert denied.json()["detail"] == {
            "response": "User does not have permission to access this endpoint",
            "cause": "User bob is not authorized to access this endpoint.",
        }
        assert client.post("/v1/query", json={}, headers=ann).status_code == 422
        assert client.get("/v1/conversations", headers=bob).status_code == 200
        assert client.get("/v1/conversations", headers=ann).status_code == 403
        assert client.post("/v1/query", json={}).status_code == 401
        override = {"query": "x", "provider": "p", "model": "m"}
        refused = client.post("/v1/query", json=override, headers=ann)
        assert (refused.status_code, "model_override" in refused.text) == (403, True)


@pytest.mark.attack(17)
@pytest.mark.requirement("auth.open-address")
def test_an_open_module_on_a_public_address_starts_with_a_warning(tmp_path: Path) -> None:
    with running_service(tmp_path / "data", environment={"LIGHTSPEED_HOST": "0.0.0.0"}) as started:
        started.wait_until_listening()
        assert started.has_logged(
            "service.host 0.0.0.0 is open to other machines and authentication.module noop "
            "believes everybody: anyone who can connect may ask as anyone"
        )
