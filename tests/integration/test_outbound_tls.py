"""Own authorities, certificates that are shown, and redirects, over real sockets."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
import trustme

from lightspeed_core.engine.llama_stack.server_client import ServerClient
from lightspeed_core.http.client import open_client
from lightspeed_core.http.failures import OutboundFailed
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.tls import context_of
from lightspeed_stack_providers.failures import UpstreamRejected, UpstreamUnreachable
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.endpoint import Endpoint
from tests.support.http_server import HttpServer, http_server, plain, redirect
from tests.support.openai_provider import asking, lean, provided
from tests.support.tls_endpoint import ANSWER

KEY = "sk-never-elsewhere"


class Authority:
    """A certificate authority of its own, with what it issued, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.served = folder / "served.pem"
        self.bundle = folder / "ca.pem"
        self.certificate = folder / "client.crt"
        self.key = folder / "client.key"
        self.ca.cert_pem.write_to_path(self.bundle)
        client = self.ca.issue_cert("client.example")
        client.cert_chain_pems[0].write_to_path(self.certificate)
        client.private_key_pem.write_to_path(self.key)

    def serving(self, *names: str, is_mutual: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(self.served)
        context.load_cert_chain(self.served)
        if is_mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.bundle)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def fetched(url: str, settings: OutboundSettings, *, is_trusted: bool = True) -> bytes:
    async def loopback(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    client = open_client(settings, is_trusted=is_trusted, lookup=loopback)
    try:
        return (await client.get(url)).body
    finally:
        await client.close()


@pytest.mark.requirement("network.own-ca")
async def test_a_server_of_the_own_authority_is_believed(authority: Authority) -> None:
    async with http_server(tls=authority.serving("127.0.0.1")) as server:
        server.answers["/"] = plain(b"keys")

        assert await fetched(server.url("/"), OutboundSettings(ca_bundle=authority.bundle)) == (
            b"keys"
        )
        with pytest.raises(OutboundFailed, match="certificate verify failed"):
            await fetched(server.url("/"), OutboundSettings())


@pytest.mark.requirement("network.own-ca")
async def test_the_authorities_of_ssl_cert_file_are_believed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    async with http_server(tls=authority.serving("127.0.0.1")) as server:
        server.answers["/"] = plain(b"keys")

        assert await fetched(server.url("/"), OutboundSettings()) == b"keys"


async def test_a_guarded_address_is_connected_to_and_its_name_is_verified(
    authority: Authority,
) -> None:
    settings = OutboundSettings(ca_bundle=authority.bundle, allowed_private=("127.0.0.1",))
    async with http_server(tls=authority.serving("tools.example")) as server:
        server.answers["/"] = plain(b"tools")

        url = server.url("/", "tools.example")
        assert await fetched(url, settings, is_trusted=False) == b"tools"
        url = server.url("/", "other.example")
        with pytest.raises(OutboundFailed, match="certificate verify failed"):
            await fetched(url, settings, is_trusted=False)


@pytest.mark.requirement("network.mutual-tls")
async def test_a_server_that_asks_is_shown_the_certificate(authority: Authority) -> None:
    shown = OutboundSettings(
        ca_bundle=authority.bundle,
        client_certificate=authority.certificate,
        client_key=authority.key,
    )
    async with http_server(tls=authority.serving("127.0.0.1", is_mutual=True)) as server:
        server.answers["/"] = plain(b"keys")

        assert await fetched(server.url("/"), shown) == b"keys"
        with pytest.raises(OutboundFailed):
            await fetched(server.url("/"), OutboundSettings(ca_bundle=authority.bundle))


@pytest.mark.requirement("network.mutual-tls")
async def test_a_model_endpoint_that_asks_is_shown_the_certificate(authority: Authority) -> None:
    shown = {"tls_client_cert": str(authority.certificate), "tls_client_key": str(authority.key)}
    async with http_server(tls=authority.serving("127.0.0.1", is_mutual=True)) as server:
        json = "content-type: application/json\r\n"
        server.answers["/v1/chat/completions"] = plain(ANSWER, headers=json)
        address, bundle = server.url("/v1"), str(authority.bundle)

        async with provided(address, tls_ca_file=bundle, **shown) as provider:
            assert [token for delta in await lean(provider, "hi") for token in delta.tokens]
        async with provided(address, tls_ca_file=bundle, max_retries=0) as provider:
            with pytest.raises(UpstreamUnreachable):
                await lean(provider, "hi")


@pytest.mark.requirement("network.mutual-tls")
async def test_a_llama_stack_server_that_asks_is_shown_the_certificate(
    authority: Authority,
) -> None:
    tls = context_of(
        OutboundSettings(
            ca_bundle=authority.bundle,
            client_certificate=authority.certificate,
            client_key=authority.key,
        )
    )
    async with http_server(tls=authority.serving("127.0.0.1", is_mutual=True)) as server:
        server.answers["/v1/version"] = plain(b'{"version": "0.7.3"}')
        client = ServerClient(server.url(""), api_key=KEY, timeout=5, tls=tls)
        try:
            assert await client.get("/version") == {"version": "0.7.3"}
        finally:
            await client.close()


@pytest.fixture
async def elsewhere() -> AsyncGenerator[HttpServer]:
    async with http_server(host="127.0.0.2") as server:
        yield server


@pytest.fixture
async def leading(elsewhere: HttpServer) -> AsyncGenerator[HttpServer]:
    async with http_server() as server:
        away = elsewhere.url("/v1/models?key=secret", "127.0.0.2")
        for path in ("/v1/models", "/v1/version", "/v1/chat/completions"):
            server.answers[path] = redirect(away, status=307)
        yield server


def assert_told(failure: UpstreamRejected, leading: HttpServer, elsewhere: HttpServer) -> None:
    assert f"127.0.0.1:{leading.port}" in str(failure)
    assert f"127.0.0.2:{elsewhere.port}" in str(failure)
    assert "secret" not in str(failure)


@pytest.mark.attack(43)
@pytest.mark.requirement("network.redirects")
async def test_a_model_endpoint_never_leads_elsewhere(
    leading: HttpServer, elsewhere: HttpServer
) -> None:
    settings = OpenAICompatibleConfig.model_validate(
        {"base_url": leading.url("/v1"), "api_key": KEY, "headers": {"x-api-key": KEY}}
    )
    endpoint = Endpoint(settings)
    try:
        with pytest.raises(UpstreamRejected) as asked:
            await endpoint.ask("/models", seconds=5)
        with pytest.raises(UpstreamRejected) as posted:
            await endpoint.post("/chat/completions", asking("hi"))
    finally:
        await endpoint.close()

    assert_told(asked.value, leading, elsewhere)
    assert_told(posted.value, leading, elsewhere)
    assert not elsewhere.heads


@pytest.mark.attack(43)
@pytest.mark.requirement("network.redirects")
async def test_a_llama_stack_server_never_leads_elsewhere(
    leading: HttpServer, elsewhere: HttpServer
) -> None:
    tls = context_of(OutboundSettings())
    client = ServerClient(leading.url(""), api_key=KEY, timeout=5, tls=tls)
    try:
        with pytest.raises(UpstreamRejected) as asked:
            await client.get("/version")
        with pytest.raises(UpstreamRejected) as streamed:
            async with aclosing(client.stream("/chat/completions", asking("hi"))) as deltas:
                async for _ in deltas:
                    raise AssertionError
    finally:
        await client.close()

    assert_told(asked.value, leading, elsewhere)
    assert_told(streamed.value, leading, elsewhere)
    assert not elsewhere.heads
