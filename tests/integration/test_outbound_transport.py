"""The guard under httpx, over real sockets."""

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from lightspeed_core.http.failures import OutboundFailed, OutboundRefused
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.transport import Transports
from tests.support.http_server import HttpServer, http_server, plain, redirect

NAME = "tools.example"
LISTED = OutboundSettings(allowed_private=("127.0.0.1",))


@asynccontextmanager
async def guarded(
    settings: OutboundSettings, *answers: Sequence[str]
) -> AsyncGenerator[httpx.AsyncClient]:
    left = list(answers or (["127.0.0.1"],))

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    transport = Transports(settings, lookup=lookup).guarded()
    async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
        yield client


@pytest.fixture
async def server() -> AsyncGenerator[HttpServer]:
    async with http_server() as running:
        running.answers["/ok"] = plain(b"fine")
        yield running


@pytest.mark.attack(41)
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ok",
        "http://[::1]:{port}/ok",
        "http://[::ffff:a9fe:a9fe]:{port}/ok",
        "http://2130706433:{port}/ok",
        "http://someone@127.0.0.1:{port}/ok",
        "http://localhost:{port}/ok",
        "http://tools.example:{port}/ok",
    ],
)
async def test_a_private_address_is_refused(url: str, server: HttpServer) -> None:
    async with guarded(OutboundSettings()) as client:
        with pytest.raises(OutboundRefused):
            await client.get(url.format(port=server.port))
    assert not server.asked


@pytest.mark.attack(41)
async def test_a_listed_address_is_asked_under_its_name(server: HttpServer) -> None:
    async with guarded(LISTED) as client:
        answer = await client.post(server.url("/ok", NAME), content=b"question")

    assert (answer.content, answer.url.host) == (b"fine", NAME)
    assert f"host: {NAME}:{server.port}" in server.heads[0].lower()


@pytest.mark.attack(42)
async def test_the_judged_address_is_connected_to_and_the_next_is_judged_anew(
    server: HttpServer,
) -> None:
    async with http_server(host="127.0.0.2", port=server.port) as other:
        async with guarded(LISTED, ["127.0.0.1"], ["127.0.0.2"]) as client:
            assert (await client.get(server.url("/ok", NAME))).content == b"fine"
            with pytest.raises(OutboundRefused):
                await client.get(server.url("/ok", NAME))
        assert not other.asked


async def test_another_address_of_the_name_is_tried_where_one_is_dead(server: HttpServer) -> None:
    settings = OutboundSettings(allowed_private=("127.0.0.0/8",))
    async with guarded(settings, ["127.0.0.3", "127.0.0.1"]) as client:
        assert (await client.get(server.url("/ok", NAME))).content == b"fine"


@pytest.mark.attack(43)
async def test_a_redirect_is_judged_where_a_client_follows_it(server: HttpServer) -> None:
    async with http_server(host="127.0.0.2") as private:
        server.answers["/go"] = redirect(private.url("/secret", "127.0.0.2"))
        async with guarded(LISTED) as client:
            assert (await client.get(server.url("/go"))).status_code == 302
            with pytest.raises(OutboundRefused):
                await client.get(server.url("/go"), follow_redirects=True)
        assert not private.asked


async def test_a_proxy_of_the_environment_is_not_used(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    async with guarded(OutboundSettings()) as client:
        with pytest.raises(OutboundRefused):
            await client.get("http://tools.example/ok")
    assert not server.asked


async def test_a_name_without_addresses_is_a_failure() -> None:
    async with guarded(OutboundSettings(), []) as client:
        with pytest.raises(OutboundFailed, match="no address"):
            await client.get("http://tools.example/")


async def test_hosts_of_one_address_are_verified_each_for_itself(tmp_path: Path) -> None:
    authority = trustme.CA()
    bundle, served = tmp_path / "ca.pem", tmp_path / "served.pem"
    authority.cert_pem.write_to_path(bundle)
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(served)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(served)
    settings = OutboundSettings(ca_bundle=bundle, allowed_private=("127.0.0.1",))
    async with http_server(tls=tls) as server, guarded(settings) as client:
        server.answers["/ok"] = plain(b"fine")

        assert (await client.get(server.url("/ok", NAME))).content == b"fine"
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await client.get(server.url("/ok", "other.example"))
    assert server.asked == ["/ok"]
