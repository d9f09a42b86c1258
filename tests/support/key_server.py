"""A key server on loopback: counts how often it is asked, and can be made to behave badly."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

from tests.support.tokens import TokenKey

SLOW_SECONDS = 60.0

type Behaviour = Callable[["KeyServer", BaseHTTPRequestHandler], None]


def answer_keys(server: "KeyServer", request: BaseHTTPRequestHandler) -> None:
    """Send the published keys."""
    answer_bytes(json.dumps({"keys": server.entries}).encode())(server, request)


def answer_bytes(body: bytes, status: int = 200) -> Behaviour:
    """Send this, whatever it is."""

    def behave(server: "KeyServer", request: BaseHTTPRequestHandler) -> None:
        del server
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return behave


def answer_redirect(target: str) -> Behaviour:
    """Send somewhere else."""

    def behave(server: "KeyServer", request: BaseHTTPRequestHandler) -> None:
        del server
        request.send_response(302)
        request.send_header("location", target)
        request.send_header("content-length", "0")
        request.end_headers()

    return behave


def answer_never(server: "KeyServer", request: BaseHTTPRequestHandler) -> None:
    """Send nothing until the server ends."""
    del request
    server.ended.wait(SLOW_SECONDS)


@dataclass
class KeyServer:
    """`entries` are published at `url`; `behave` may be replaced while it runs."""

    entries: list[dict[str, Any]]
    behave: Behaviour = answer_keys
    url: str = ""
    fetches: int = 0
    paths: list[str] = field(default_factory=list[str])
    ended: threading.Event = field(default_factory=threading.Event)

    def publish(self, *keys: TokenKey) -> None:
        """Publish these keys and no others."""
        self.entries = [key.published() for key in keys]


@contextmanager
def key_server(*keys: TokenKey) -> Generator[KeyServer]:
    """Serve until the block ends, in threads of its own."""
    state = KeyServer(entries=[key.published() for key in keys])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.fetches += 1
            state.paths.append(self.path)
            try:
                state.behave(state, self)
            except ConnectionError:
                self.close_connection = True

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    listener.block_on_close = False
    state.url = f"http://127.0.0.1:{listener.server_address[1]}/keys"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        state.ended.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
