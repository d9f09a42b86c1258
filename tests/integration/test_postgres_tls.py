"""How `ssl_mode` is kept, against the TLS of a server: it hears who comes, and refuses them."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightspeed_core.db.database import Database
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.errors import ConfigurationError, StoreUnavailable
from tests.support.tls_endpoint import write_certificate

# https://www.postgresql.org/docs/current/protocol-message-formats.html
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
FIELDS = b"SFATAL\x00VFATAL\x00C28P01\x00Mwhoever you are\x00\x00"
REFUSAL = b"E" + (len(FIELDS) + 4).to_bytes(4) + FIELDS


@dataclass
class Doorman:
    """A server that reads the first message behind the TLS handshake."""

    certificate: Path | None
    port: int = 0
    heard: list[bytes] = field(default_factory=list[bytes])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(8)
        if head == SSL_REQUEST:
            writer.write(b"N" if self.certificate is None else b"S")
            await writer.drain()
            if self.certificate is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(self.certificate)
                await writer.start_tls(context)
            head = await reader.readexactly(8)
        self.heard.append(await reader.readexactly(int.from_bytes(head[:4]) - 8))
        writer.write(REFUSAL)
        await writer.drain()


@asynccontextmanager
async def doorman(certificate: Path | None) -> AsyncGenerator[Doorman]:
    door = Doorman(certificate)
    server = await asyncio.start_server(door.answer, "127.0.0.1", 0)
    async with server:
        door.port = server.sockets[0].getsockname()[1]
        yield door


def a_certificate(folder: Path) -> Path:
    folder.mkdir()
    return write_certificate(folder)


async def knock(
    door: Doorman, mode: str, ca: Path | None = None, host: str = "127.0.0.1"
) -> Exception:
    """Try to open a database and return why that failed."""
    settings = PostgresSettings(
        host=host,
        port=door.port,
        database="d",
        user="me",
        password="p",
        ssl_mode=mode,
        ca_cert_path=ca,
    )
    with pytest.raises((ConfigurationError, StoreUnavailable)) as caught:
        await Database(settings).open()
    return caught.value


@pytest.mark.parametrize(
    ("mode", "is_named", "host"),
    [
        ("require", False, "127.0.0.1"),
        ("prefer", False, "127.0.0.1"),
        ("verify-ca", True, "127.0.0.1"),
        ("verify-ca", True, "localhost"),
        ("verify-full", True, "127.0.0.1"),
    ],
)
async def test_a_trusted_server_hears_the_user(
    tmp_path: Path, mode: str, is_named: bool, host: str
) -> None:
    certificate = a_certificate(tmp_path / "its")
    async with doorman(certificate) as door:
        error = await knock(door, mode, certificate if is_named else None, host)

    assert "whoever you are" in str(error)
    assert b"\x00user\x00me\x00" in door.heard[0]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_with_a_certificate_of_another_authority_hears_nothing(
    tmp_path: Path, mode: str
) -> None:
    other = a_certificate(tmp_path / "other")
    async with doorman(a_certificate(tmp_path / "its")) as door:
        error = await knock(door, mode, other)

    assert isinstance(error, ConfigurationError)
    assert "certificate verify failed" in str(error)
    assert door.heard == []


async def test_a_server_of_another_name_hears_nothing(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path / "its")
    async with doorman(certificate) as door:
        error = await knock(door, "verify-full", certificate, "localhost")

    assert "certificate verify failed" in str(error)
    assert door.heard == []


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_without_tls_hears_nothing_where_it_is_required(
    tmp_path: Path, mode: str
) -> None:
    certificate = a_certificate(tmp_path / "its")
    async with doorman(None) as door:
        await knock(door, mode, certificate)

    assert door.heard == []


async def test_a_certificate_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with doorman(a_certificate(tmp_path / "its")) as door:
        error = await knock(door, "verify-full")

    assert isinstance(error, ConfigurationError)
    assert f'root certificate file "{tmp_path}/.postgresql/root.crt"' in str(error)
