"""Clients that speak to an application without a socket."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightspeed_core.api import errors, middleware, openapi
from lightspeed_core.api.routes import include_routes
from lightspeed_core.api.state import Services
from lightspeed_core.config.root import Configuration

BOUND_SECONDS = 5.0


def build_app(services: Services) -> ASGIApp:
    """Put the HTTP layer together around services."""
    return with_state(bare_app(services.configuration), services)


def bare_app(configuration: Configuration) -> FastAPI:
    """Put the HTTP layer together as the composition root does, without services."""
    app = FastAPI(openapi_url=None)
    include_routes(app)
    errors.install(app)
    middleware.install(app, configuration.service)
    openapi.install(app, configuration)
    return app


def with_state(app: ASGIApp, services: Services) -> ASGIApp:
    """Give each request the state that the lifespan would have given it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"services": services}}, receive, send)

    return serve


def client_of(app: ASGIApp) -> httpx2.AsyncClient:
    """Return a client whose answers arrive whole."""
    # What the application answers to its own faults is what tests look at.
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")


@dataclass
class Stream:
    """An answer that is read while the application writes it."""

    parts: asyncio.Queue[bytes | None]
    gone: asyncio.Event
    request: list[Message]
    began: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_body_unread(self) -> bool:
        """Say whether the application has left the request's body alone."""
        return bool(self.request)

    async def next_part(self) -> bytes | None:
        """Return the next piece as it was sent, or None at the end."""
        async with asyncio.timeout(BOUND_SECONDS):
            return await self.parts.get()

    async def rest(self) -> bytes:
        """Read to the end."""
        body = b""
        while (part := await self.next_part()) is not None:
            body += part
        return body

    async def wait_for_begin(self) -> None:
        """Wait for status and headers."""
        async with asyncio.timeout(BOUND_SECONDS):
            await self.began.wait()


@asynccontextmanager
async def open_stream(
    app: ASGIApp,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> AsyncGenerator[Stream]:
    """Run one request; the client goes away when the block ends or `gone` is set."""
    stream = Stream(
        parts=asyncio.Queue(),
        gone=asyncio.Event(),
        request=[{"type": "http.request", "body": body, "more_body": False}],
    )

    async def receive() -> Message:
        if stream.request:
            return stream.request.pop()
        await stream.gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            stream.status = message["status"]
            stream.headers = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in message["headers"]
            }
            stream.began.set()
            return
        if message.get("body"):
            stream.parts.put_nowait(message["body"])
        if not message.get("more_body"):
            stream.parts.put_nowait(None)

    async with asyncio.TaskGroup() as group:
        group.create_task(_run(app, _scope(method, target, headers or {}), receive, send))
        try:
            yield stream
        finally:
            stream.gone.set()


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        await app(scope, receive, send)


def _scope(method: str, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in {"host": "localhost", **headers}.items()
        ],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
