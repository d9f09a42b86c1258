"""Real sockets: ports that are taken, endpoints that answer, refuse, lack a model or are away."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lightspeed_core.cli.doctor.endpoints import check_endpoints, endpoints_of
from lightspeed_core.cli.doctor.finding import Finding, Severity
from lightspeed_core.cli.doctor.listener import check_listener
from lightspeed_core.cli.doctor.server import check_server
from lightspeed_core.config.llama_stack import LlamaStackConfiguration
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.http.settings import OutboundSettings
from tests.support.doctor import run_config_of
from tests.support.service import free_port

MODELS = b'{"object": "list", "data": [{"id": "there"}, {"id": "models/too"}]}'


@asynccontextmanager
async def answering(
    answers: dict[str, tuple[str, bytes]], keys: list[str] | None = None
) -> AsyncGenerator[str]:
    """Answer paths below `/v1` with a status line and a body; yields the address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if keys is not None:
            keys.extend(line for line in head.splitlines() if line.lower().startswith("authoriz"))
        status, body = answers[head.split(" ", 2)[1].removeprefix("/v1")]
        told = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(told.encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def asked(
    tmp_path: Path, url: str, *, models: str = "", default: str | None = None
) -> list[Finding]:
    entry = {
        "provider_id": "mine",
        "provider_type": "remote::openai_compatible",
        "module": "lightspeed_stack_providers.openai_compatible",
        "config": {"base_url": url, "api_key": "${env.MY_KEY:=}", "models": models},
    }
    run_config = run_config_of(tmp_path, providers={"inference": [entry]})
    return await check_endpoints(endpoints_of(run_config, {"MY_KEY": "secret-key"}, default))


async def test_an_endpoint_that_lists_its_models_is_fine(tmp_path: Path) -> None:
    keys: list[str] = []
    async with answering({"/models": ("200 OK", MODELS)}, keys) as url:
        (finding,) = await asked(tmp_path, url, models="there,too")
    assert finding.severity is Severity.OK
    assert keys[0].partition(": ")[2] == "Bearer secret-key"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_key_that_is_refused_is_told_apart_and_not_shown(
    tmp_path: Path, status: str
) -> None:
    async with answering({"/models": (status, b"{}")}) as url:
        (finding,) = await asked(tmp_path, url)
    assert finding.severity is Severity.FATAL
    assert "refuses the key" in finding.what
    assert "secret-key" not in str(finding)


async def test_an_endpoint_that_is_away_is_fatal(tmp_path: Path) -> None:
    (finding,) = await asked(tmp_path, f"http://127.0.0.1:{free_port()}/v1")
    assert finding.severity is Severity.FATAL
    assert "cannot be reached" in finding.what
    assert finding.where.endswith("providers.inference.mine")


async def test_a_model_that_is_not_listed_is_told_and_fatal_when_it_is_the_default(
    tmp_path: Path,
) -> None:
    async with answering({"/models": ("200 OK", MODELS)}) as url:
        first = await asked(tmp_path, url, models="gone,there")
        named = await asked(tmp_path, url, models="gone", default="mine/there")
        lost = await asked(tmp_path, url, default="mine/lost")
    assert [finding.severity.value for finding in first] == ["ok", "fatal"]
    assert "does not list the model gone; it lists there, too" in first[1].what
    assert [finding.severity.value for finding in named] == ["ok", "warning"]
    assert [finding.severity.value for finding in lost] == ["ok", "fatal"]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error"])
async def test_an_endpoint_that_answers_something_else_is_a_warning(
    tmp_path: Path, status: str
) -> None:
    async with answering({"/models": (status, b"")}) as url:
        (finding,) = await asked(tmp_path, url)
    assert finding.severity is Severity.WARNING
    assert status[:3] in finding.what


@pytest.mark.parametrize(
    ("version", "severities"),
    [
        (b'{"version": "0.7.3"}', ["ok", "ok"]),
        (b'{"version": "0.6.0"}', ["fatal", "ok"]),
        (b"[]", ["fatal", "ok"]),
    ],
)
async def test_a_server_is_asked_for_its_version(version: bytes, severities: list[str]) -> None:
    answers = {"/version": ("200 OK", version), "/models": ("200 OK", MODELS)}
    async with answering(answers) as url:
        findings = await check_server(LlamaStackConfiguration(url=url), None, OutboundSettings())
    assert [finding.severity.value for finding in findings] == severities


async def test_a_server_that_is_away_is_told_once() -> None:
    stack = LlamaStackConfiguration(url=f"http://127.0.0.1:{free_port()}")
    (finding,) = await check_server(stack, "p/m", OutboundSettings())
    assert (finding.severity, finding.where) == (Severity.FATAL, "llama_stack.url")


async def test_a_port_that_is_free_is_left_free() -> None:
    service = ServiceConfiguration(host="127.0.0.1", port=free_port())
    for _ in range(2):
        (finding,) = check_listener(service)
        assert finding.severity is Severity.OK


async def test_a_port_that_somebody_holds_is_fatal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        (finding,) = await asyncio.to_thread(
            lambda: list(check_listener(ServiceConfiguration(host="127.0.0.1", port=port)))
        )
    assert (finding.severity, finding.where) == (Severity.FATAL, "service.port")
    assert str(port) in finding.what


async def test_a_port_that_the_service_itself_holds_is_a_warning() -> None:
    alive = {"/liveness": ("200 OK", b'{"alive": true}')}
    async with answering(alive) as url:
        service = ServiceConfiguration(host="127.0.0.1", port=int(url.split(":")[2][:-3]))
        (finding,) = await asyncio.to_thread(lambda: list(check_listener(service)))
    assert finding.severity is Severity.WARNING
    assert "runs already" in finding.what
