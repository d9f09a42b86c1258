"""Keeps the error that ended a start, which the server would only log with a traceback."""

import logging
from collections.abc import Callable
from typing import Any

from lightspeed_core.errors import InternalError, LightspeedError

logger = logging.getLogger(__name__)

type Receive = Callable[[], Any]
type Send = Callable[[Any], Any]
type Application = Callable[[Any, Receive, Send], Any]


class StartupWatch:
    """Between server and application. `error` is why the service could not go on.

    `end` asks the server to end. `on_closed` is called when the services are closed because of
    an error found after the start, before the server hears of it.
    """

    def __init__(
        self,
        end: Callable[[], None],
        on_closed: Callable[[LightspeedError], None] = lambda _: None,
    ) -> None:
        self.error: LightspeedError | None = None
        self._end = end
        self._on_closed = on_closed

    def stop(self, error: LightspeedError) -> None:
        """Note an error found after the start, logged before, and end the server."""
        self.error = error
        self._end()

    def around(self, app: Application) -> Application:
        """Return the application with its lifespan watched."""

        async def watched(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] != "lifespan":
                await app(scope, receive, send)
                return

            started = False

            async def send_on(message: Any) -> None:
                nonlocal started
                kind: str = message["type"]
                started = started or kind == "lifespan.startup.complete"
                if kind.startswith("lifespan.shutdown.") and self.error is not None:
                    self._on_closed(self.error)
                    # The text of a failure is a traceback; what failed is known.
                    message = {"type": kind, "message": ""}
                if kind != "lifespan.startup.failed":
                    await send(message)

            try:
                await app(scope, receive, send_on)
            except Exception as error:
                if started:
                    # The server would go on without its services, and look alive.
                    self.stop(self.error or InternalError())
                    raise
                self.error = _find_cause(error)
                if self.error is None:
                    raise
                logger.critical("service did not start: %s", self.error)
                await send({"type": "lifespan.startup.failed", "message": ""})

        return watched


def _find_cause(error: Exception) -> LightspeedError | None:
    if isinstance(error, LightspeedError):
        return error
    inner: tuple[Exception, ...] = getattr(error, "exceptions", ())
    return next((cause for each in inner if (cause := _find_cause(each))), None)
