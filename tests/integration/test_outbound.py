"""Outgoing requests over real sockets: what is connected to, and where a fetch ends."""

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from lightspeed_core.http.client import OutboundClient, open_client
from lightspeed_core.http.connector import Lookup
from lightspeed_core.http.failures import OutboundFailed, OutboundRefused
from lightspeed_core.http.settings import OutboundSettings
from tests.support.http_server import HttpServer, http_server, plain, redirect

NAME = "tools.example"


class Names:
    """A name server of fixed answers, one list after the other; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def guarded(
    names: Lookup | None = None, allowed: tuple[str, ...] = ()
) -> AsyncGenerator[OutboundClient]:
    settings = OutboundSettings(allowed_private=allowed)
    client = open_client(settings, is_trusted=False, lookup=names or Names(["127.0.0.1"]))
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def trusted() -> AsyncGenerator[OutboundClient]:
    client = open_client(OutboundSettings(), is_trusted=True)
    yield client
    await client.close()


@pytest.fixture
async def server() -> AsyncGenerator[HttpServer]:
    async with http_server() as running:
        running.answers["/ok"] = plain(b"fine", headers="x-kind: Good\r\n")
        yield running


async def test_a_trusted_address_may_be_private(
    trusted: OutboundClient, server: HttpServer
) -> None:
    answer = await trusted.get(server.url("/ok"))

    assert (answer.status, answer.body, answer.headers["X-Kind"]) == (200, b"fine", "Good")
    assert "cookie" not in server.heads[0].lower()


async def test_a_status_other_than_200_is_an_answer(
    trusted: OutboundClient, server: HttpServer
) -> None:
    assert (await trusted.get(server.url("/nowhere"))).status == 404


@pytest.mark.attack(41)
@pytest.mark.requirement("network.guarded")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ok",
        "http://[::1]:{port}/ok",
        "http://[::ffff:127.0.0.1]:{port}/ok",
        "http://[::ffff:a9fe:a9fe]:{port}/ok",
        "http://0x7f.1:{port}/ok",
        "http://2130706433:{port}/ok",
        "http://127\u30020\u30020\u30021:{port}/ok",
        "http://someone@127.0.0.1:{port}/ok",
        "http://tools.example@127.0.0.1:{port}/ok",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]:{port}/ok",
        "http://0.0.0.0:{port}/ok",
        "http://localhost:{port}/ok",
        "http://tools.example:{port}/ok",
        "http://tools.example.:{port}/ok",
    ],
)
async def test_a_private_address_is_refused_however_it_is_written(
    url: str, server: HttpServer
) -> None:
    async with guarded() as client:
        with pytest.raises(OutboundRefused):
            await client.get(url.format(port=server.port))
    assert not server.asked


@pytest.mark.attack(41)
@pytest.mark.requirement("network.guarded")
@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", NAME, "*.example"])
async def test_a_private_address_is_asked_when_the_configuration_lists_it(
    allowed: str, server: HttpServer
) -> None:
    async with guarded(allowed=(allowed,)) as client:
        assert (await client.get(server.url("/ok", NAME))).body == b"fine"
    assert f"host: {NAME}:{server.port}" in server.heads[0].lower()


@pytest.mark.attack(42)
async def test_a_second_answer_of_the_name_server_changes_nothing(server: HttpServer) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with http_server(host="127.0.0.2", port=server.port) as other:
        async with guarded(names, allowed=("127.0.0.1",)) as client:
            assert (await client.get(server.url("/ok", NAME))).body == b"fine"
        assert names.asked == [NAME]
        assert not other.asked


@pytest.mark.attack(42)
async def test_a_name_that_turns_private_is_refused_on_the_next_connection(
    server: HttpServer,
) -> None:
    server.answers["/ok"] = plain(b"fine", headers="connection: close\r\n")
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with http_server(host="127.0.0.2", port=server.port) as other:
        async with guarded(names, allowed=("127.0.0.1",)) as client:
            await client.get(server.url("/ok", NAME))
            with pytest.raises(OutboundRefused, match=r"127\.0\.0\.2 of tools\.example"):
                await client.get(server.url("/ok", NAME))
        assert not other.asked


@pytest.mark.attack(41)
async def test_one_private_answer_among_others_refuses_all(server: HttpServer) -> None:
    names = Names(["127.0.0.1", "10.0.0.1"])
    async with guarded(names, allowed=("127.0.0.1",)) as client:
        with pytest.raises(OutboundRefused, match=r"10\.0\.0\.1"):
            await client.get(server.url("/ok", NAME))
    assert not server.asked


@pytest.mark.attack(41)
async def test_a_proxy_of_the_environment_is_no_way_around_the_judgement(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    async with guarded() as client:
        with pytest.raises(OutboundRefused):
            await client.get("http://tools.example/ok")
    assert not server.asked


async def test_a_trusted_address_is_asked_through_the_proxy_of_the_environment(
    trusted: OutboundClient, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.answers["http://keys.invalid/"] = plain(b"by proxy")

    assert (await trusted.get("http://keys.invalid/")).body == b"by proxy"


@pytest.mark.attack(43)
async def test_a_redirect_to_a_private_address_is_refused(server: HttpServer) -> None:
    async with http_server(host="127.0.0.2") as private:
        private.answers["/secret"] = plain(b"secret")
        server.answers["/go"] = redirect(private.url("/secret", "127.0.0.2"))
        async with guarded(allowed=("127.0.0.1",)) as client:
            with pytest.raises(OutboundRefused, match=r"127\.0\.0\.2"):
                await client.get(server.url("/go", NAME))
        assert not private.asked


async def test_a_redirect_to_another_judged_host_is_followed_when_guarded(
    server: HttpServer,
) -> None:
    names = Names(["127.0.0.1"])
    server.answers["/go"] = redirect(server.url("/ok", "other.example"))
    async with guarded(names, allowed=("127.0.0.1",)) as client:
        assert (await client.get(server.url("/go", NAME))).body == b"fine"
    assert names.asked == [NAME, "other.example"]


@pytest.mark.attack(43)
async def test_twenty_redirects_are_refused_after_three(server: HttpServer) -> None:
    for number in range(20):
        server.answers[f"/{number}"] = redirect(f"/{number + 1}")
    server.answers["/20"] = plain(b"the end")
    async with guarded(allowed=("127.0.0.1",)) as client:
        with pytest.raises(OutboundRefused, match="more than 3 redirects"):
            await client.get(server.url("/0"))
    assert server.asked == ["/0", "/1", "/2", "/3"]


@pytest.mark.attack(43)
@pytest.mark.parametrize("scheme", ["https", "ftp", "file", "gopher"])
async def test_a_redirect_that_changes_the_scheme_is_refused(
    scheme: str, server: HttpServer
) -> None:
    server.answers["/go"] = redirect(f"{scheme}://127.0.0.1:{server.port}/ok")
    async with guarded(allowed=("127.0.0.1",)) as client:
        with pytest.raises(OutboundRefused):
            await client.get(server.url("/go"))
    assert server.asked == ["/go"]


@pytest.mark.attack(43)
@pytest.mark.requirement("network.redirects")
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/ok",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/ok",
        "//127.0.0.2:{port}/ok",
        "https://127.0.0.1:{port}/ok",
        "http://127.0.0.1:1/ok",
        "http://someone@127.0.0.1:{port}/ok",
        "\\\\127.0.0.2\\ok",
    ],
)
async def test_a_trusted_address_never_leads_elsewhere(
    location: str, trusted: OutboundClient, server: HttpServer
) -> None:
    server.answers["/go"] = redirect(location.format(port=server.port))

    with pytest.raises(OutboundRefused):
        await trusted.get(server.url("/go"))
    assert server.asked == ["/go"]


async def test_a_refused_redirect_names_both_places(
    trusted: OutboundClient, server: HttpServer
) -> None:
    server.answers["/go"] = redirect("http://169.254.169.254/latest?token=secret")

    with pytest.raises(OutboundRefused) as refused:
        await trusted.get(server.url("/go"))
    assert f"127.0.0.1:{server.port}" in str(refused.value)
    assert "169.254.169.254" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_trusted_address_may_redirect_to_itself(
    trusted: OutboundClient, server: HttpServer
) -> None:
    server.answers["/go"] = redirect("/ok", status=308)

    assert (await trusted.get(server.url("/go"))).body == b"fine"


async def test_an_answer_is_taken_up_to_its_limit(
    trusted: OutboundClient, server: HttpServer
) -> None:
    server.answers["/big"] = plain(b"x" * 1000)

    assert len((await trusted.get(server.url("/big"), limit=1000)).body) == 1000
    with pytest.raises(OutboundRefused, match="more than 999 bytes"):
        await trusted.get(server.url("/big"), limit=999)


async def test_an_answer_without_an_end_is_left(
    trusted: OutboundClient, server: HttpServer
) -> None:
    written = 0

    async def write(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            written += 0x1000
            await writer.drain()

    server.answers["/endless"] = write
    with pytest.raises(OutboundRefused, match="more than 10000 bytes"):
        await trusted.get(server.url("/endless"), limit=10_000)
    # What lies in the buffers of both sides was written, and no more.
    assert written < 16 * 1024 * 1024


async def test_a_packed_answer_is_refused_unread(
    trusted: OutboundClient, server: HttpServer
) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    server.answers["/bomb"] = plain(bomb, headers="content-encoding: gzip\r\n")

    with pytest.raises(OutboundRefused, match="gzip"):
        await trusted.get(server.url("/bomb"))
    assert "accept-encoding: identity" in server.heads[0].lower()


@pytest.mark.parametrize("place", ["head", "body"])
async def test_a_slow_answer_ends_in_time(
    place: str, trusted: OutboundClient, server: HttpServer
) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        if place == "body":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" if place == "body" else b"")
            await writer.drain()
            await asyncio.sleep(0.05)

    server.answers["/slow"] = write
    async with asyncio.timeout(10):
        with pytest.raises(OutboundFailed, match=r"did not answer within 0\.3 s"):
            await trusted.get(server.url("/slow"), seconds=0.3)


async def test_a_name_server_that_does_not_answer_ends_in_time() -> None:
    async def silent(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with asyncio.timeout(10), guarded(silent) as client:
        with pytest.raises(OutboundFailed, match=r"within 0\.2 s"):
            await client.get("http://tools.example/", seconds=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["no http", "cut", "header without end", "nothing"],
)
async def test_garbage_is_a_failure(
    answer: bytes, trusted: OutboundClient, server: HttpServer
) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    server.answers["/garbage"] = write
    with pytest.raises(OutboundFailed):
        await trusted.get(server.url("/garbage"))


async def test_a_closed_port_and_an_unknown_name_are_failures(trusted: OutboundClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OutboundFailed, match=f"127.0.0.1:{port}"):
        await trusted.get(f"http://127.0.0.1:{port}/")
    async with guarded(Names([])) as client:
        with pytest.raises(OutboundFailed, match="no address"):
            await client.get("http://tools.example/")
