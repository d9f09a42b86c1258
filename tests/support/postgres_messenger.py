"""Stands between a client and PostgreSQL, and can say what a server that shuts down says."""

import asyncio
import fcntl
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.postgres import Postgres

_SOCKET = ".s.PGSQL.5432"
# ErrorResponse of the protocol's version 3: severity and code, each ended by zero.
_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_SHUTDOWN = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS


class Messenger:
    """Passes on what both sides say."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._clients: set[asyncio.StreamWriter] = set()

    async def announce_shutdown(self) -> None:
        """Tell every client that its connection ends, without ending it, until it has read that."""
        for client in self._clients:
            client.write(_SHUTDOWN)
        async with asyncio.timeout(10):
            while any(_unread(client) for client in self._clients):
                await asyncio.sleep(0.005)

    async def answer(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Serve one client until either side hangs up."""
        from_server, server = await asyncio.open_unix_connection(self._server)
        self._clients.add(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, server))
                tasks.create_task(_pass_on(from_server, client))
        finally:
            self._clients.remove(client)


@asynccontextmanager
async def messenger(postgres: Postgres, folder: Path) -> AsyncGenerator[Messenger]:
    """Listen in a folder as the server does in its own, until the last client has hung up."""
    between = Messenger(postgres.folder / _SOCKET)
    server = await asyncio.start_unix_server(between.answer, folder / _SOCKET)
    async with server:
        yield between


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


def _unread(writer: asyncio.StreamWriter) -> int:
    """Return how many bytes the other side of a local socket has not read yet."""
    waiting = fcntl.ioctl(writer.get_extra_info("socket"), termios.TIOCOUTQ, b"\0" * 4)
    return int.from_bytes(waiting, "little")
