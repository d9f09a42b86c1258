"""What keeps the service from starting is kept, and the server is told no traceback."""

from collections.abc import Callable
from typing import Any

import pytest

from lightspeed_core.cli.startup import StartupWatch
from lightspeed_core.errors import (
    ConfigurationError,
    InternalError,
    LightspeedError,
    StoreUnavailable,
)

REFUSAL = ConfigurationError("no such module")


class Server:
    """Speaks the lifespan protocol and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []

    async def send(self, message: dict[str, str]) -> None:
        self.heard.append(message)

    async def receive(self) -> dict[str, str]:
        return {"type": "lifespan.startup"}


def never() -> None:
    raise AssertionError("the server was not to be ended")


def failing(error: Exception) -> Callable[..., Any]:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "Traceback …"})
        raise error

    return app


@pytest.mark.parametrize(
    "error", [REFUSAL, ExceptionGroup("", [ExceptionGroup("", [ValueError("x"), REFUSAL])])]
)
async def test_a_refusal_at_the_start_is_kept_and_told_without_a_traceback(
    error: Exception,
) -> None:
    watch, server = StartupWatch(never), Server()

    await watch.around(failing(error))({"type": "lifespan"}, server.receive, server.send)

    assert watch.error is REFUSAL
    assert server.heard == [{"type": "lifespan.startup.failed", "message": ""}]


@pytest.mark.parametrize("error", [RuntimeError("fault"), ExceptionGroup("", [ValueError("x")])])
async def test_a_fault_of_ours_is_left_to_the_server(error: Exception) -> None:
    watch, server = StartupWatch(never), Server()

    with pytest.raises(type(error)):
        await watch.around(failing(error))({"type": "lifespan"}, server.receive, server.send)

    assert watch.error is None


@pytest.mark.parametrize(
    "error", [StoreUnavailable(), RuntimeError("x"), ExceptionGroup("", [ValueError("x")])]
)
async def test_services_that_break_after_the_start_end_the_server(error: Exception) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        raise error

    ended: list[bool] = []
    watch, server = StartupWatch(lambda: ended.append(True)), Server()

    with pytest.raises(type(error)):
        await watch.around(app)({"type": "lifespan"}, server.receive, server.send)

    assert ended == [True]
    assert isinstance(watch.error, InternalError)


@pytest.mark.parametrize("outcome", ["complete", "failed"])
async def test_an_error_found_later_ends_the_server_and_its_traceback_is_not_told(
    outcome: str,
) -> None:
    ended: list[bool] = []
    watch, server = StartupWatch(lambda: ended.append(True)), Server()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        watch.stop(REFUSAL)
        await send({"type": f"lifespan.shutdown.{outcome}", "message": "Traceback …"})

    await watch.around(app)({"type": "lifespan"}, server.receive, server.send)

    assert ended == [True]
    assert watch.error is REFUSAL
    assert server.heard[-1] == {"type": f"lifespan.shutdown.{outcome}", "message": ""}


@pytest.mark.parametrize(("error", "expected"), [(REFUSAL, [REFUSAL]), (None, [])])
async def test_the_closing_of_the_services_is_told_when_an_error_caused_it(
    error: ConfigurationError | None, expected: list[LightspeedError]
) -> None:
    closed: list[LightspeedError] = []
    server = Server()

    def close(cause: LightspeedError) -> None:
        assert server.heard[-1]["type"] == "lifespan.startup.complete"
        closed.append(cause)

    watch = StartupWatch(lambda: None, on_closed=close)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        if error is not None:
            watch.stop(error)
        await send({"type": "lifespan.shutdown.complete"})

    await watch.around(app)({"type": "lifespan"}, server.receive, server.send)

    assert closed == expected


async def test_requests_pass_through() -> None:
    passed: list[Any] = []

    async def app(*arguments: Any) -> None:
        passed.append(arguments)

    scope = {"type": "http"}
    server = Server()
    await StartupWatch(never).around(app)(scope, server.receive, server.send)

    assert passed == [(scope, server.receive, server.send)]
