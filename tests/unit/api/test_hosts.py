"""Who may call: names that the service is called by, and origins of pages."""

from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lightspeed_core.api.hosts import Entrance, host_rule, origin_rule
from lightspeed_core.config.service import CORSConfiguration, ServiceConfiguration
from tests.support.asgi import client_of
from tests.support.scripted_assistant import ScriptedAssistant

NETWORK = "0.0.0.0"
UI = "https://ui.example.com"
EVIL = "https://evil.example"


async def served(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("served")(scope, receive, send)


async def status(headers: dict[str, str], **settings: Any) -> int:
    """Return what a service that is configured so answers to a request with these headers."""
    service = ServiceConfiguration(**settings)
    app = Entrance(served, hosts=host_rule(service), origins=origin_rule(service))
    async with client_of(app) as client:
        answer = await client.get("/v1/models", headers=headers)
    if answer.status_code in {403, 421}:
        setting = {403: "service.allowed_origins", 421: "service.allowed_hosts"}
        assert setting[answer.status_code] in answer.json()["detail"]["cause"]
    return answer.status_code


LOCAL = [
    "localhost",
    "localhost:8080",
    "LOCALHOST",
    "127.0.0.1:9",
    "127.8.8.8",
    "[::1]:1",
    "a.localhost",
]
FOREIGN = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example#localhost",
    "localhost@evil.example",
    "192.0.2.7",
    "169.254.169.254",
    "",
]


@pytest.mark.requirement("browser.hosts")
@pytest.mark.attack(36)
@pytest.mark.parametrize("bound", ["localhost", "127.0.0.1", "::1"])
@pytest.mark.parametrize("host", FOREIGN)
async def test_a_name_that_was_made_to_lead_to_this_machine_is_not_answered(
    bound: str, host: str
) -> None:
    assert await status({"host": host}, host=bound) == 421


@pytest.mark.attack(36)
@pytest.mark.parametrize("path", ["/", "/liveness", "/v1/nope", "/openapi.json", "/metrics"])
async def test_no_path_is_answered_to_another_name(app: ASGIApp, path: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["x-request-id"]


@pytest.mark.attack(36)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_is_done_for_a_page_of_elsewhere(
    app: ASGIApp, assistant: ScriptedAssistant, method: str
) -> None:
    async with client_of(app) as client:
        for path in ("/v1/query", "/v1/conversations/x", "/v1/feedback/status", "/authorized"):
            answer = await client.request(method, path, json={}, headers={"origin": EVIL})
            assert answer.status_code == 403
    assert assistant.started == []


@pytest.mark.parametrize("host", LOCAL)
async def test_every_name_of_this_machine_is_answered(host: str) -> None:
    assert await status({"host": host}) == 200


@pytest.mark.parametrize("host", [*FOREIGN, *LOCAL])
async def test_on_the_network_any_name_is_answered_by_default(host: str) -> None:
    assert await status({"host": host}, host=NETWORK) == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("lcs.example.com", 200),
        ("LCS.example.com:443", 200),
        ("a.apps.example.com", 200),
        ("a.b.apps.example.com", 200),
        ("apps.example.com", 421),
        ("evilapps.example.com", 421),
        ("evil.example", 421),
        ("public.example.com", 200),
        # Probes and scrapers come by the address.
        ("10.128.0.7:8080", 200),
        ("localhost:8080", 200),
    ],
)
async def test_configured_names_are_answered_and_no_others(host: str, expected: int) -> None:
    names = ("lcs.example.com", "*.apps.example.com")
    settings = {"host": NETWORK, "allowed_hosts": names, "base_url": "https://public.example.com/x"}
    assert await status({"host": host}, **settings) == expected


async def test_any_name_can_be_allowed_on_a_loopback_address() -> None:
    assert await status({"host": "evil.example"}, allowed_hosts=("*",)) == 200


@pytest.mark.requirement("browser.origins")
@pytest.mark.attack(36)
@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost.evil.example", "x", "https://"])
async def test_a_page_of_elsewhere_may_not_call_a_service_of_this_machine(origin: str) -> None:
    assert await status({"origin": origin}) == 403


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:1"],
)
async def test_a_page_of_this_machine_may_call(origin: str) -> None:
    assert await status({"origin": origin}) == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"allowed_origins": (UI,)},
        {"allowed_origins": ("*",)},
        {"cors": CORSConfiguration(allow_origins=(UI,))},
        {"base_url": f"{UI}/assistant"},
        {"host": NETWORK},
        {"host": NETWORK, "cors": CORSConfiguration(allow_origins=("https://a.example.com",))},
    ],
    ids=str,
)
async def test_a_page_of_elsewhere_may_call_where_that_is_set(settings: dict[str, Any]) -> None:
    assert await status({"origin": UI}, **settings) == 200


async def test_configured_origins_may_call_and_no_others() -> None:
    settings = {"host": NETWORK, "allowed_origins": (UI,)}
    own = {"host": "lcs.example.com", "origin": "https://lcs.example.com"}
    assert await status({"origin": UI}, **settings) == 200
    assert await status(own, **settings) == 200
    assert await status({"origin": EVIL}, **settings) == 403
    assert await status({"origin": "http://localhost:3000"}, **settings) == 403


async def test_a_page_of_the_service_may_call_behind_a_proxy_that_renames_it() -> None:
    headers = {"host": "127.0.0.1:8080", "origin": UI}
    assert await status(headers) == 403
    assert await status({**headers, "sec-fetch-site": "same-origin"}) == 200
    assert await status({**headers, "sec-fetch-site": "same-site"}) == 403


@pytest.mark.attack(36)
async def test_what_the_browser_says_of_a_page_does_not_excuse_its_name() -> None:
    headers = {
        "host": "evil.example",
        "origin": "http://evil.example",
        "sec-fetch-site": "same-origin",
    }
    assert await status(headers) == 421


async def test_a_refused_page_can_read_why(app: ASGIApp) -> None:
    async with client_of(app) as client:
        answer = await client.get("/v1/models", headers={"origin": EVIL})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
