"""Headers for browsers: on every answer, of whatever route and status."""

from pathlib import Path

import pytest
from starlette.types import ASGIApp

from lightspeed_core.api.headers import common_headers
from lightspeed_core.api.state import Services
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.config.tls import TLSConfiguration
from lightspeed_core.errors import Overloaded
from tests.support.asgi import build_app, client_of, open_stream
from tests.support.scripted_assistant import ScriptedAssistant

ON_ALL = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.requirement("browser.headers")
@pytest.mark.parametrize(
    ("path", "status", "caching"),
    [
        ("/", 200, "no-cache"),
        ("/docs", 200, "no-cache"),
        ("/redoc", 200, "no-cache"),
        ("/openapi.json", 200, "no-cache"),
        ("/static/mark.svg", 200, "no-cache"),
        ("/v1/models", 200, "no-store"),
        ("/v1/conversations", 200, "no-store"),
        ("/liveness", 200, "no-store"),
        ("/metrics", 200, "no-store"),
        ("/v1/nope", 404, "no-store"),
        ("/v1/query", 405, "no-store"),
        ("/v1/conversations/nope", 400, "no-store"),
    ],
)
async def test_every_answer_tells_browsers_to_be_careful(
    app: ASGIApp, path: str, status: int, caching: str
) -> None:
    async with client_of(app) as client:
        answer = await client.get(path)
    assert answer.status_code == status
    for name, value in ON_ALL.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers.get_list("cache-control") == [caching]
    (policy,) = answer.headers.get_list("content-security-policy")
    is_page = answer.headers["content-type"].startswith("text/html")
    assert (policy == NO_CONTENT) is not is_page
    assert ("permissions-policy" in answer.headers) is is_page
    assert answer.headers.get("cross-origin-opener-policy") == ("same-origin" if is_page else None)
    assert "strict-transport-security" not in answer.headers


@pytest.mark.requirement("browser.headers")
async def test_a_page_that_the_browser_has_is_confirmed_with_the_same_policy(app: ASGIApp) -> None:
    async with client_of(app) as client:
        first = await client.get("/docs")
        again = await client.get("/docs", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    for name in ("content-security-policy", "cache-control", "permissions-policy"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.requirement("browser.headers")
async def test_a_stream_keeps_its_own_word_on_caching(app: ASGIApp) -> None:
    headers = {"content-type": "application/json"}
    async with open_stream(
        app, "POST", "/v1/streaming_query", body=b'{"query": "x"}', headers=headers
    ) as stream:
        await stream.rest()
    assert stream.headers["cache-control"] == "no-cache"
    assert {name: stream.headers[name] for name in ON_ALL} == ON_ALL


def https(**settings: object) -> ServiceConfiguration:
    tls = TLSConfiguration(tls_certificate_path=Path(__file__))
    return ServiceConfiguration.model_validate({"host": "0.0.0.0", "tls_config": tls, **settings})


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (https(), [b"max-age=31536000"]),
        (https(hsts_seconds=60), [b"max-age=60"]),
        (https(hsts_seconds=0), []),
        (https(host="localhost"), []),
        (ServiceConfiguration(host="0.0.0.0"), []),
    ],
    ids=["https", "set", "off", "loopback", "http"],
)
def test_browsers_insist_on_https_where_the_service_serves_it(
    service: ServiceConfiguration, said: list[bytes]
) -> None:
    found = [value for name, value in common_headers(service) if name.startswith(b"strict-")]
    assert found == said


@pytest.mark.requirement("browser.cors")
@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("GET", "/v1/conversations/nope", 400),
        ("GET", "/v1/nope", 404),
        ("GET", "/v1/query", 405),
        ("POST", "/v1/query", 422),
        ("POST", "/v1/infer", 503),
    ],
)
async def test_a_page_of_another_origin_reads_answers_and_errors(
    services: Services,
    assistant: ScriptedAssistant,
    origin: str,
    method: str,
    path: str,
    status: int,
) -> None:
    assistant.refusal = Overloaded("Too many.", retry_after=1)
    body = {"question": "x"} if path == "/v1/infer" else {}
    async with client_of(build_app(services)) as client:
        answer = await client.request(
            method, path, json=body if method == "POST" else None, headers={"origin": origin}
        )
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"X-Request-ID", "Retry-After"} <= set(exposed)
    assert "Origin" in answer.headers["vary"]
