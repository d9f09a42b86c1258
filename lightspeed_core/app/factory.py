"""Create the application; importing this module builds nothing and reads nothing."""

import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from lightspeed_core.api import errors, middleware, openapi
from lightspeed_core.api.routes import include_routes
from lightspeed_core.api.state import Services
from lightspeed_core.app.services import OnFatal, open_services
from lightspeed_core.config.root import Configuration
from lightspeed_core.errors import LightspeedError

type OpenServices = Callable[[Configuration, OnFatal], AbstractAsyncContextManager[Services]]


class LifespanState(TypedDict):
    """What the lifespan hands to requests."""

    services: Services


def stop_process(error: LightspeedError) -> None:
    """Ask this process to end, as its supervisor would; the error was logged before."""
    del error
    signal.raise_signal(signal.SIGTERM)


def create_app(
    configuration: Configuration,
    *,
    on_fatal: OnFatal = stop_process,
    services: OpenServices = open_services,
) -> FastAPI:
    """Return the application; it opens its services when it is started."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[LifespanState]:
        async with services(configuration, on_fatal) as opened:
            yield {"services": opened}

    # The description and the pages over it are routes of our own, guarded and with an ETag.
    app = FastAPI(lifespan=lifespan, openapi_url=None)
    include_routes(app)
    errors.install(app)
    middleware.install(app, configuration.service)
    openapi.install(app, configuration)
    return app
