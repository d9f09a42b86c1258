"""Marks of routes, and the route class that heeds them before anything else is read.

FastAPI decodes a JSON body before it solves dependencies; here the caller is known and allowed
first, so that 401 comes before 403 and 403 before 422.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, override

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from lightspeed_core.api.bodies import BodyReader
from lightspeed_core.api.errors import RENDERED
from lightspeed_core.api.forgery import CHANGING_METHODS, refuse_foreign_form, refuse_forgery
from lightspeed_core.api.json_body import decode_json
from lightspeed_core.api.state import services_of
from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.config.authorization import Action
from lightspeed_core.domain.identity import Identity
from lightspeed_core.errors import Forbidden, InternalError, MalformedRequest, Unauthenticated

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
        if "\0" in caller.user_id:
            # Whoever vouches for it, no database could store it.
            raise Unauthenticated("The user ID contains NUL characters")
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise MalformedRequest(
                "Invalid request", "NUL characters are not allowed in the path and in parameters."
            )
        request.state.known_caller = caller
        granted = services.authorizer.actions_of(caller) | caller.actions
        if self.action is not None and self.action not in granted:
            raise Forbidden.of_endpoint(caller.user_id)
        return replace(caller, actions=granted, roles=services.authorizer.roles_of(caller))


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
    """A request whose body has limits and whose JSON is read strictly."""

    async def read_body(self) -> None:
        """Read the body; `BodyReader.read` says what is raised."""
        services = services_of(self)
        reader = BodyReader(services.configuration.service.limits, services.held_bytes)
        self.state.body = reader
        self._body = await reader.read(self.headers, self.stream())
        self.state.body_bytes = len(self._body)

    @override
    async def json(self) -> Any:
        """Decode the body; raises `json.JSONDecodeError`."""
        limits = services_of(self).configuration.service.limits
        return decode_json(await self.body(), limits)


class GuardedRoute(APIRoute):
    """A route that admits its caller before it reads the body."""

    mark: Open | Guard
    takes_form: ClassVar[bool] = False

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        # Whose body may have no type is decided before the framework looks at it.
        self.strict_content_type = False
        handle = super().get_route_handler()
        mark = self.mark = mark_of(self)
        has_body = self.body_field is not None
        changes = not CHANGING_METHODS.isdisjoint(self.methods or ())

        async def admit_and_handle(request: Request) -> Response:
            try:
                if isinstance(mark, Guard):
                    if request.scope["route"].path not in ROUTINE:
                        services_of(request).audit.require_open()
                    await mark(request)
                if self.takes_form:
                    refuse_foreign_form(request, _callers(request))
                elif changes:
                    refuse_forgery(request, reads_json=has_body)
                strict = StrictRequest(request.scope, request.receive)
                if has_body:
                    await strict.read_body()
                return await handle(strict)
            except RENDERED:
                raise
            except Exception as error:
                raise InternalError from error

        return admit_and_handle

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; its body counts as held until it is answered."""
        try:
            await super().handle(scope, receive, send)
        finally:
            if (reader := scope["state"].get("body")) is not None:
                reader.release()


class UploadRoute(GuardedRoute):
    """A route that reads a form by itself, piece by piece."""

    takes_form: ClassVar[bool] = True


def _callers(request: Request) -> frozenset[str]:
    """Return the origins whose pages may call, by name."""
    service = services_of(request).configuration.service
    named = (*(service.allowed_origins or ()), *service.cors.allow_origins)
    return frozenset(origin.lower() for origin in named)
