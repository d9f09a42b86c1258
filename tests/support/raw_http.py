"""HTTP by hand, byte for byte: what no client library would send, and how the answer ends."""

import json
import socket
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BOUND_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def cause(self) -> str:
        """Return what the service says of an error."""
        detail: dict[str, Any] = json.loads(self.body)["detail"]
        return detail["cause"]


class RawConnection:
    """One connection; reading waits for at most `BOUND_SECONDS`."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._unread = b""

    def send(self, *parts: bytes) -> None:
        """Send as it is."""
        self.socket.sendall(b"".join(parts))

    def answer(self, *, method: str = "GET") -> Answer:
        """Read the next answer; raises `ConnectionError` when there is none."""
        head = self._until(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        has_body = method != "HEAD" and not first.split()[1].startswith("1")
        body = self._body(headers) if has_body else b""
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Wait for the end; says whether nothing came before it."""
        try:
            return not self._unread and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self._exactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return body

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._more()
        found, self._unread = self._unread.split(end, 1)
        return found + end

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._more()
        found, self._unread = self._unread[:size], self._unread[size:]
        return found

    def _more(self) -> None:
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError(f"the connection ended after {self._unread[:200]!r}")
        self._unread += received


@contextmanager
def raw_connection(port: int, *, tls: ssl.SSLContext | None = None) -> Generator[RawConnection]:
    """Connect to a service on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=BOUND_SECONDS) as plain:
        if tls is None:
            yield RawConnection(plain)
            return
        with tls.wrap_socket(plain, server_hostname="localhost") as wrapped:
            yield RawConnection(wrapped)
