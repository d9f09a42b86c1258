"""What happens to every request: an id, a published prefix, headers, a log line, a count, CORS.

Pure ASGI, so that a stream passes through untouched but for its headers.
"""

import logging
import re
import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightspeed_core.api.audit import audit
from lightspeed_core.api.headers import common_headers, with_defaults
from lightspeed_core.api.hosts import Entrance, host_rule, origin_rule
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.observability.logging import request_id as current_request_id
from lightspeed_core.observability.notes import close_notes, open_notes

if TYPE_CHECKING:
    from lightspeed_core.api.state import Services

logger = logging.getLogger(__name__)

_HEADER: Final = b"x-request-id"
_USABLE: Final = re.compile(rb"[\x21-\x7e]{1,128}")


class RequestContext:
    """Gives each request its id or takes the client's; logs and counts the outcome."""

    def __init__(self, app: ASGIApp, service: ServiceConfiguration) -> None:
        self._app = app
        self._root_path = service.root_path
        self._access_log = service.access_log
        self._headers = common_headers(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._root_path:
            # Routing then takes paths with the prefix and, from a proxy that strips it, without.
            scope["root_path"] = self._root_path
        request_id = _request_id(scope)
        name = request_id.decode("ascii")
        status, is_answered = 500, False
        notes, noted = open_notes()
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_answered
            if message["type"] == "http.response.start":
                status, is_answered = message["status"], True
                audit(scope, status, request_id=name, notes=notes)
                message["headers"] = [
                    *with_defaults(message.get("headers", ())),
                    (_HEADER, request_id),
                    *self._headers,
                ]
            await send(message)

        token = current_request_id.set(name)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            _count(scope, status, seconds)
            if not is_answered:
                audit(scope, status, request_id=name, notes=notes)
            if self._access_log:
                _log(scope, status, seconds)
            current_request_id.reset(token)
            close_notes(noted)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == _HEADER and _USABLE.fullmatch(value):
            return bytes(value)
    return str(uuid4()).encode("ascii")


def _count(scope: Scope, status: int, seconds: float) -> None:
    # Paths that no route serves are anybody's words, and stay out of the labels.
    if isinstance(route := scope.get("route"), APIRoute):
        services: Services = scope["state"]["services"]
        services.metrics.request_served(path=route.path, status=status, seconds=seconds)


def _log(scope: Scope, status: int, seconds: float) -> None:
    logger.info(
        "request served method=%s path=%s status=%d seconds=%.4f",
        scope["method"],
        scope["path"],
        status,
        seconds,
    )


def install(app: FastAPI, configuration: ServiceConfiguration) -> None:
    """Put the middleware around the application; what is added last is outermost.

    Refusals of the entrance are answers like others: by CORS pages may read them.
    """
    hosts, origins = host_rule(configuration), origin_rule(configuration)
    if hosts is not None or origins is not None:
        app.add_middleware(Entrance, hosts=hosts, origins=origins)
    cors = configuration.cors
    app.add_middleware(
        CORSMiddleware,
        allow_origins=cors.allow_origins,
        allow_credentials=cors.allow_credentials,
        allow_methods=cors.allow_methods,
        allow_headers=cors.allow_headers,
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    app.add_middleware(RequestContext, service=configuration)
