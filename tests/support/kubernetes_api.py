"""A server shaped like a Kubernetes API: reviews of tokens and access, the cluster's version.

It is real HTTP or HTTPS in a thread of its own, so that it also answers while a test waits.
"""

import json
import ssl
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import trustme

TOKENS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
VERSION: Final = "/apis/config.openshift.io/v1/clusterversions/version"

ADA: Final[dict[str, Any]] = {
    "username": "ada",
    "uid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "groups": ["developers", "system:authenticated"],
    "extra": {"scopes": ["user:full"]},
}
"""The user whom the server knows by the token `ada-token`, and admits."""


@dataclass
class Fault:
    """What is answered instead; `is_silent` answers nothing until the server ends."""

    status: int = 200
    body: bytes = b"{}"
    location: str = ""
    is_silent: bool = False


@dataclass
class Cluster:
    """What the API knows, and what it was asked."""

    users: dict[str, dict[str, Any]] = field(default_factory=lambda: {"ada-token": ADA})
    admitted: set[str] = field(default_factory=lambda: {"ada"})
    cluster_id: str = "11111111-2222-3333-4444-555555555555"
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    calls: Counter[str] = field(default_factory=Counter[str])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    authorizations: list[str | None] = field(default_factory=list[str | None])
    ended: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer_to(self, path: str, request: dict[str, Any]) -> tuple[int, Any]:
        """Return status and body as the API's reference gives them."""
        if path == TOKENS:
            return 201, request | {"status": self._review(request["spec"]["token"])}
        if path == ACCESS:
            spec = request["spec"]
            wanted = spec["nonResourceAttributes"] == {"path": "/ls-access", "verb": "get"}
            return 201, request | {"status": {"allowed": wanted and spec["user"] in self.admitted}}
        if path == VERSION:
            return 200, {"kind": "ClusterVersion", "spec": {"clusterID": self.cluster_id}}
        return 404, {"kind": "Status", "code": 404}

    def _review(self, token: str) -> dict[str, Any]:
        user = self.users.get(token)
        if user is None:
            # `authenticated` is left out where it is false.
            return {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        return {"authenticated": True, "user": user, "audiences": ["https://kubernetes.default"]}


@contextmanager
def kubernetes_server(context: ssl.SSLContext | None = None) -> Generator[Cluster]:
    """Serve a cluster on loopback until the block ends."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(cluster))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    cluster.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield cluster
    finally:
        cluster.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def certificates(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's side for 127.0.0.1, and the file of the authority that vouches for it."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    file = folder / "ca.crt"
    authority.cert_pem.write_to_path(str(file))
    return context, file


def _handler_of(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            request: dict[str, Any] = json.loads(content or b"{}")
            cluster.calls[self.path] += 1
            cluster.asked.append(request)
            cluster.authorizations.append(self.headers.get("authorization"))
            fault = cluster.faults.get(self.path)
            if fault is None:
                status, answer = cluster.answer_to(self.path, request)
                fault = Fault(status=status, body=json.dumps(answer).encode())
            if fault.is_silent:
                cluster.ended.wait()
                return
            self.send_response(fault.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(fault.body)))
            if fault.location:
                self.send_header("location", fault.location)
            self.end_headers()
            self.wfile.write(fault.body)

    return Handler
