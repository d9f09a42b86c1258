"""The id of a request, the access log, CORS."""

import logging
import re
from dataclasses import replace
from uuid import UUID

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightspeed_core.api.middleware import RequestContext
from lightspeed_core.api.state import Services
from lightspeed_core.config.service import CORSConfiguration, ServiceConfiguration
from lightspeed_core.observability.logging import request_id
from tests.support.asgi import build_app, client_of, open_stream
from tests.support.scripted_assistant import ScriptedAssistant

LOGGER = "lightspeed_core.api.middleware"


@pytest.mark.parametrize("path", ["/liveness", "/v1/nope", "/", "/v1/streaming_query/x?after=y"])
async def test_a_usable_id_of_the_client_comes_back_with_every_answer(
    app: ASGIApp, path: str
) -> None:
    async with client_of(app) as client:
        answer = await client.get(path, headers={"x-request-id": "trace-42/a:b"})
    assert answer.headers.get_list("x-request-id") == ["trace-42/a:b"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "caf\xe9", "tab\tbed"])
async def test_an_unusable_id_is_replaced(app: ASGIApp, sent: str) -> None:
    headers = {"x-request-id": sent}
    async with open_stream(app, "GET", "/liveness", headers=headers) as stream:
        await stream.rest()
        assert UUID(stream.headers["x-request-id"]).version == 4


async def test_what_is_no_request_passes_untouched() -> None:
    seen: list[tuple[Scope, Receive, Send]] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        del message

    outer = RequestContext(inner, ServiceConfiguration(root_path="/lcs"))
    await outer({"type": "lifespan"}, receive, send)
    assert seen == [({"type": "lifespan"}, receive, send)]


async def test_an_unforeseen_failure_has_an_id_too(
    app: ASGIApp, assistant: ScriptedAssistant
) -> None:
    assistant.refusal = ZeroDivisionError()
    async with client_of(app) as client:
        answer = await client.post(
            "/v1/query", json={"query": "hi"}, headers={"x-request-id": "mine"}
        )
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "mine"


class IdCatcher(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self.seen.append(request_id.get())


async def test_lines_of_the_log_belong_to_their_request(app: ASGIApp) -> None:
    catcher = IdCatcher()
    logger = logging.getLogger("lightspeed_core.api")
    logger.addHandler(catcher)
    logger.setLevel(logging.INFO)
    try:
        async with client_of(app) as client:
            await client.get("/v1/nope", headers={"x-request-id": "mine"})
    finally:
        logger.removeHandler(catcher)
        logger.setLevel(logging.NOTSET)
    assert catcher.seen == ["mine", "mine"]
    assert request_id.get() == ""


async def test_each_request_is_one_line_of_the_access_log(
    app: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
    async with client_of(app) as client:
        await client.get("/liveness?user_id=ada")
    (line,) = [each.getMessage() for each in caplog.records if each.name == LOGGER]
    assert re.fullmatch(
        r"request served method=GET path=/liveness status=200 seconds=0\.\d{4}", line
    )


def with_service(services: Services, service: ServiceConfiguration) -> Services:
    configuration = services.configuration.model_copy(update={"service": service})
    return replace(services, configuration=configuration)


async def test_the_access_log_can_be_switched_off(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
    app = build_app(with_service(services, ServiceConfiguration(access_log=False)))
    async with client_of(app) as client:
        assert (await client.get("/liveness")).status_code == 200
    assert [each for each in caplog.records if each.name == LOGGER] == []


async def test_pages_of_any_origin_may_call_a_service_of_the_network(services: Services) -> None:
    app = build_app(with_service(services, ServiceConfiguration(host="0.0.0.0")))
    async with client_of(app) as client:
        answer = await client.get("/liveness", headers={"origin": "https://console.example.com"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


async def test_only_configured_origins_may_call(services: Services) -> None:
    cors = CORSConfiguration(allow_origins=("https://good.example.com",), allow_credentials=True)
    app = build_app(with_service(services, ServiceConfiguration(cors=cors)))
    async with client_of(app) as client:
        answers = {
            origin: await client.options(
                "/v1/query",
                headers={"origin": origin, "access-control-request-method": "POST"},
            )
            for origin in ("https://good.example.com", "https://bad.example.com")
        }
    good, bad = answers.values()
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "https://good.example.com"
    assert good.headers["access-control-allow-credentials"] == "true"
    assert bad.status_code == 400
    assert "access-control-allow-origin" not in bad.headers
    assert "x-request-id" in bad.headers


@pytest.mark.parametrize("prefix", ["", "/lcs"])
async def test_a_published_prefix_may_be_stripped_or_not(services: Services, prefix: str) -> None:
    app = build_app(with_service(services, ServiceConfiguration(root_path="/lcs")))
    async with client_of(app) as client:
        assert (await client.get(f"{prefix}/v1/models")).status_code == 200
        assert (await client.get(f"{prefix}/static/style.css")).status_code == 200
        document = (await client.get(f"{prefix}/openapi.json")).json()
    assert [server["url"] for server in document["servers"]] == ["http://localhost:8080/lcs"]
