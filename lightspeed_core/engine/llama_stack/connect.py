"""Reaches a Llama Stack server, trying for a while, and holds its version against ours."""

import asyncio
import importlib
import logging
from collections.abc import Callable

from lightspeed_core.engine.llama_stack.failures import translate
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.llama_stack.threads import in_own_thread
from lightspeed_core.engine.llama_stack.version import check_version
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import ConfigurationError, EngineUnavailable
from lightspeed_core.http.tls import context_of
from lightspeed_stack_providers.failures import UpstreamUnauthorized

_PACKAGE = "lightspeed_core.engine.llama_stack"

logger = logging.getLogger(__name__)


async def connect(settings: EngineSettings, report: Callable[[BootStage], None]) -> Stack:
    """Open a client of the server at `url`.

    Raises `ConfigurationError` for a wrong version or key, `EngineUnavailable` when no attempt
    reached the server.
    """
    if not settings.url:
        raise ConfigurationError(
            "Llama Stack URL is not specified and library client mode is not enabled "
            "(llama_stack.url)"
        )
    report(BootStage.INITIALIZING)
    http = await in_own_thread(importlib.import_module, f"{_PACKAGE}.server_client")
    server = await in_own_thread(importlib.import_module, f"{_PACKAGE}.server")
    client = http.ServerClient(
        settings.url,
        api_key=settings.api_key,
        timeout=settings.timeout,
        tls=await asyncio.to_thread(context_of, settings.outbound),
    )
    stack: Stack = server.StackServer(client)
    try:
        check_version(await _first_version(stack, settings))
    except BaseException:
        await stack.close()
        raise
    return stack


async def _first_version(stack: Stack, settings: EngineSettings) -> str:
    for attempts_left in range(settings.max_retries, -1, -1):
        try:
            return await stack.version()
        except UpstreamUnauthorized as exc:
            raise ConfigurationError(
                f"llama_stack.api_key: the Llama Stack server at {settings.url} refused it"
            ) from exc
        except Exception as exc:
            failure = translate(exc)
            if not attempts_left or not isinstance(failure, EngineUnavailable):
                raise failure from exc
            logger.info("Llama Stack was not reached, attempts_left=%d", attempts_left)
        await asyncio.sleep(settings.retry_delay)
    raise AssertionError
