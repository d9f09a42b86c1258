"""Marks of routes, and the route class that heeds them before anything else is read.

FastAPI decodes a JSON body before it solves dependencies; here the caller is known and allowed
first, so that 401 comes before 403 and 403 before 422.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, override

import orjson
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from lightspeed_core.api.errors import RENDERED
from lightspeed_core.api.state import services_of
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import BodyTooLarge, Forbidden, InternalError, MalformedRequest

LARGEST_BODY_BYTES: Final = 192 * 1024 * 1024
"""The largest image that may be attached, in base64, with room for what accompanies it."""

ROUTINE: Final = frozenset({"/liveness", "/readiness", "/v1/liveness", "/v1/readiness", "/metrics"})
"""What machines ask every few seconds: only its refusals are audited."""


@dataclass(frozen=True, slots=True)
class Open:
    """Marks a route that anybody may call."""

    async def __call__(self) -> None:
        """Admit everybody."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Marks a route for known callers, and for those who may do `action` where one is named."""

    action: Action | None = None

    async def __call__(self, request: Request) -> Identity:
        """Return the caller with what they may do; found once per request."""
        caller: Identity | None = getattr(request.state, "caller", None)
        if caller is None:
            caller = await self._admit(request)
            request.state.caller = caller
        return caller

    async def _admit(self, request: Request) -> Identity:
        services = services_of(request)
        caller = await services.authenticator.authenticate(
            Credentials(
                path=_path_within(request.scope),
                headers=request.headers.items(),
                query=request.query_params.multi_items(),
            )
        )
        request.state.known_caller = caller
        granted = services.authorizer.actions_of(caller) | caller.actions
        if self.action is not None and self.action not in granted:
            raise Forbidden(
                "User does not have permission to access this endpoint",
                f"User {caller.user_id} is not authorized to access this endpoint.",
            )
        return replace(caller, actions=granted)


def _path_within(scope: Scope) -> str:
    """Return the path without the published prefix, which a proxy may have removed or not."""
    path, prefix = scope["path"], scope.get("root_path", "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def require(action: Action) -> Any:
    """Mark a route with the action that it needs; as a dependency it yields the caller."""
    return Depends(Guard(action))


def authenticated() -> Any:
    """Mark a route for any known caller; as a dependency it yields them."""
    return Depends(Guard())


def public() -> Any:
    """Mark a route that anybody may call."""
    return Depends(Open())


def mark_of(route: APIRoute) -> Open | Guard:
    """Return the one mark of a route; raises `TypeError` when it has none or several."""
    marks = [
        dependant.call
        for dependant in route.dependant.dependencies
        if isinstance(dependant.call, Open | Guard)
    ]
    if len(marks) != 1:
        raise TypeError(f"{route.path}: a route needs exactly one mark, this one has {len(marks)}")
    return marks[0]


class StrictRequest(Request):
    """A request whose body has an end and whose JSON is read strictly.

    NaN, lone surrogates, bytes that are not UTF-8 and nesting without end are decoding errors.
    """

    async def read_body(self) -> None:
        """Read the body; raises `BodyTooLarge` beyond `LARGEST_BODY_BYTES`."""
        parts: list[bytes] = []
        size = 0
        try:
            async for part in self.stream():
                size += len(part)
                if size > LARGEST_BODY_BYTES:
                    raise BodyTooLarge(LARGEST_BODY_BYTES)
                parts.append(part)
        except ClientDisconnect:
            raise MalformedRequest("Invalid request", "The body ended too early.") from None
        self._body = b"".join(parts)

    @override
    async def json(self) -> Any:
        """Decode the body; raises `json.JSONDecodeError`."""
        return orjson.loads(await self.body())


class GuardedRoute(APIRoute):
    """A route that admits its caller before it reads the body."""

    mark: Open | Guard

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()
        mark = self.mark = mark_of(self)
        has_body = self.body_field is not None

        async def admit_and_handle(request: Request) -> Response:
            try:
                if isinstance(mark, Guard):
                    if request.scope["route"].path not in ROUTINE:
                        services_of(request).audit.require_open()
                    await mark(request)
                strict = StrictRequest(request.scope, request.receive)
                if has_body:
                    await strict.read_body()
                return await handle(strict)
            except RENDERED:
                raise
            except Exception as error:
                raise InternalError from error

        return admit_and_handle
