"""A server of fixed answers on a real socket, which remembers what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

type Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class HttpServer:
    """Where it listens, and by path what it answers: bytes, or a function that writes them."""

    port: int
    scheme: str = "http"
    answers: dict[str, bytes | Write] = field(default_factory=dict[str, "bytes | Write"])
    asked: list[str] = field(default_factory=list[str])
    heads: list[str] = field(default_factory=list[str])
    connections: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                await self._serve_one(reader, writer)
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ", 2)[1]
        self.heads.append(head)
        self.asked.append(path)
        answer = self.answers.get(path, plain(b"", status=404))
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        else:
            await answer(writer)
            writer.close()


@asynccontextmanager
async def http_server(
    *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[HttpServer]:
    """Serve on the running loop until the block ends."""
    server = HttpServer(port, "https" if tls else "http")
    listener = await asyncio.start_server(server.serve, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for connection in server.connections:
            connection.close()
        await listener.wait_closed()


def plain(body: bytes, *, status: int = 200, headers: str = "") -> bytes:
    """An answer with a length; `headers` are lines with their ends."""
    return f"HTTP/1.1 {status} Said\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    """An answer that names another place."""
    return plain(b"", status=status, headers=f"location: {location}\r\n")
