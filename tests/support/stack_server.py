"""Llama Stack as a server of its own, with the run.yaml of the product, and a relay before it."""

import re
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast, override

from tests.support.service import ROOT, Service, free_port, service_environment

REQUEST_HEAD = re.compile(
    rb"^(?:GET|POST|PUT|DELETE) \S+ HTTP/1\.1\r\n.*?\r\n\r\n", re.MULTILINE | re.DOTALL
)


class StackServer(Service):
    """A started `llama stack run`."""

    def wait_until_healthy(self) -> None:
        """Wait for `/v1/health`."""
        self._wait_for("/v1/health")


@contextmanager
def running_stack(
    data: Path, *, environment: Mapping[str, str], port: int | None = None
) -> Generator[StackServer]:
    """Start the server over a data directory; whatever still runs at the end is killed."""
    port = port or free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}-{port}.log"
    llama = Path(sys.executable).parent / "llama"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(llama), "stack", "run", str(ROOT / "run.yaml"), "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data,
            env=service_environment(data, port, environment),
        )
    server = StackServer(process=process, port=port, log=log)
    try:
        server.wait_until_healthy()
        yield server
    finally:
        if process.poll() is None:
            server.kill()


class Relay:
    """Passes bytes on to a port of loopback and keeps what was asked.

    While it is cut, it is what a killed server is: connections end, and no new ones are taken.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.target = target
        self.asked: list[bytearray] = []
        self.lines: list[socket.socket] = []
        self._listener: _Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def request_heads(self) -> list[str]:
        """Return the first line and the headers of each request so far."""
        heads = [head for asked in self.asked for head in REQUEST_HEAD.findall(bytes(asked))]
        return [head.decode("latin-1") for head in heads]

    def open(self) -> None:
        """Take connections."""
        self._listener = _Listener(self)
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def cut(self) -> None:
        """End all connections and take no more."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        for line in self.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.lines.clear()


@contextmanager
def relay_to(target: int) -> Generator[Relay]:
    """Open a relay, and cut it at the end."""
    relay = Relay(target)
    relay.open()
    try:
        yield relay
    finally:
        relay.cut()


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        super().__init__(("127.0.0.1", relay.port), _Line)


class _Line(socketserver.BaseRequestHandler):
    request: socket.socket

    @override
    def handle(self) -> None:
        relay = cast("_Listener", self.server).relay
        asked = bytearray()
        relay.asked.append(asked)
        with socket.create_connection(("127.0.0.1", relay.target)) as target:
            relay.lines += [self.request, target]
            back = threading.Thread(target=_pass_on, args=(target, self.request), daemon=True)
            back.start()
            _pass_on(self.request, target, asked)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray | None = None) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if kept is not None:
                kept += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
