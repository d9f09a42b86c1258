"""Asks a Llama Stack server for its version and its models."""

import json
import ssl
from collections.abc import Sequence
from typing import Final

from lightspeed_core.cli.doctor.endpoints import ASK_SECONDS, Asked, check_endpoints
from lightspeed_core.cli.doctor.finding import Finding, fatal, fine
from lightspeed_core.config.llama_stack import LlamaStackConfiguration
from lightspeed_core.engine.llama_stack.version import check_version
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.http.settings import OutboundSettings
from lightspeed_core.http.tls import context_of
from lightspeed_stack_providers.failures import UpstreamFailure
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.endpoint import Endpoint

_PLACE: Final = "llama_stack.url"


async def check_server(
    stack: LlamaStackConfiguration, default: str | None, outbound: OutboundSettings
) -> Sequence[Finding]:
    """Check version and key of the server, and that it lists the default model."""
    config = OpenAICompatibleConfig(
        base_url=(stack.url or "").rstrip("/").removesuffix("/v1") + "/v1", api_key=stack.api_key
    )
    tls = context_of(outbound)
    asked = Asked(name="Llama Stack", where=_PLACE, config=config, tls=tls, default=default)
    version = await _check_version(config, tls)
    return [*version, *await check_endpoints([asked])]


async def _check_version(config: OpenAICompatibleConfig, tls: ssl.SSLContext) -> list[Finding]:
    endpoint = Endpoint(config, tls)
    try:
        status, body = await endpoint.ask("/version", seconds=ASK_SECONDS)
    except UpstreamFailure:
        return []  # asking for the models tells the same
    finally:
        await endpoint.close()
    if status != 200:
        return []
    remedy = "install a version of the supported range on the server"
    try:
        version = str(json.loads(body)["version"])
        check_version(version)
    except (ValueError, TypeError, KeyError):
        told = f"{config.base_url} does not tell a version: it is no Llama Stack server"
        return [fatal(told, where=_PLACE, remedy="name the address of a Llama Stack server")]
    except ConfigurationError as error:
        return [fatal(error.cause, where=_PLACE, remedy=remedy)]
    return [fine(f"Llama Stack {version} serves at {config.base_url}", where=_PLACE)]
