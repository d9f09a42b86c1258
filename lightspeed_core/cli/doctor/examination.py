"""Runs every family of checks, each for itself: what breaks one hides nothing of the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from lightspeed_core.app.settings import (
    database_settings,
    default_model,
    engine_settings,
    outbound_settings,
)
from lightspeed_core.cli.doctor.certificate import check_certificate
from lightspeed_core.cli.doctor.database import check_database
from lightspeed_core.cli.doctor.embeddings import check_embeddings
from lightspeed_core.cli.doctor.endpoints import check_endpoints, endpoints_of
from lightspeed_core.cli.doctor.files import check_files
from lightspeed_core.cli.doctor.finding import Finding, warning
from lightspeed_core.cli.doctor.folders import check_folders
from lightspeed_core.cli.doctor.key_server import check_key_server
from lightspeed_core.cli.doctor.kubernetes import check_kubernetes
from lightspeed_core.cli.doctor.language_models import check_language_models
from lightspeed_core.cli.doctor.listener import check_listener
from lightspeed_core.cli.doctor.outbound import check_outbound
from lightspeed_core.cli.doctor.sections import check_sections
from lightspeed_core.cli.doctor.server import check_server
from lightspeed_core.cli.doctor.stack import (
    check_default_model,
    check_package,
    check_providers,
    check_stores,
    examine_run_config,
)
from lightspeed_core.cli.doctor.variables import DATA_DIRECTORY_VARIABLE, check_variables
from lightspeed_core.config.authentication import AuthenticationModule
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.llama_stack.run_config import RunConfig

logger = logging.getLogger(__name__)

CHECK_SECONDS: Final = 120.0

type Check = Callable[[], Awaitable[Iterable[Finding]]]


async def examine(configuration: Configuration, environ: Mapping[str, str]) -> list[Finding]:
    """Return what all checks found, family by family; nothing is changed."""
    # A start sets it before run.yaml is read.
    known = {**environ, DATA_DIRECTORY_VARIABLE: str(configuration.data_directory)}
    run_config, found = await asyncio.to_thread(_read_run_config, configuration, known)
    checks = _checks(configuration, run_config, known)
    results = await asyncio.gather(*(_run(name, check) for name, check in checks.items()))
    findings = [replace(finding, check="llama-stack") for finding in found]
    return [*findings, *(finding for result in results for finding in result)]


async def _run(name: str, check: Check) -> list[Finding]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            found = list(await check())
    except TimeoutError:
        told = f"the check did not end within {CHECK_SECONDS:g} seconds"
        found = [warning(told, remedy="try again when the machine is less busy")]
    except Exception as error:
        logger.debug("check broke", extra={"check": name}, exc_info=True)
        told = f"the check itself broke: {type(error).__name__}"
        found = [warning(told, remedy="report it; nothing is known of what it checks")]
    return [replace(finding, check=name) for finding in found]


def _read_run_config(
    configuration: Configuration, environ: Mapping[str, str]
) -> tuple[RunConfig | None, list[Finding]]:
    if not configuration.llama_stack.use_as_library_client:
        return None, []
    return examine_run_config(engine_settings(configuration), environ)


def _checks(
    configuration: Configuration, run_config: RunConfig | None, environ: Mapping[str, str]
) -> dict[str, Check]:
    service = configuration.service
    default = default_model(configuration)
    named = default.identifier if default else None

    async def databases() -> Iterable[Finding]:
        return await check_database(database_settings(configuration), configuration.data_directory)

    async def kubernetes() -> Iterable[Finding]:
        return await check_kubernetes(configuration.authentication)

    async def server() -> Iterable[Finding]:
        return await check_server(
            configuration.llama_stack, named, outbound_settings(configuration)
        )

    checks: dict[str, Check] = {
        "sections": _threaded(lambda: check_sections(configuration, environ)),
        "files": _threaded(lambda: check_files(configuration, run_config, environ)),
        "variables": _threaded(lambda: check_variables(run_config, environ)),
        "listener": _threaded(lambda: check_listener(service)),
        "certificate": _threaded(lambda: check_certificate(service.tls_config)),
        "outbound": _threaded(lambda: check_outbound(configuration.outbound)),
        "database": databases,
        "kubernetes": kubernetes,
    }
    if configuration.knowledge.folders:
        section = configuration.knowledge
        checks["folders"] = _threaded(lambda: check_folders(section, run_config))
    checks |= _of_authentication(configuration)
    checks |= _of_mcp(configuration)
    if not configuration.llama_stack.use_as_library_client:
        return {**checks, "llama-stack": server}
    checks["llama-stack"] = _threaded(lambda: [check_package()])
    if run_config is not None:
        relies_on = engine_settings(configuration).relies_on
        checks |= _of_run_config(run_config, environ, named)
        checks["stores"] = _threaded(lambda: check_stores(run_config, relies_on))
    return checks


def _of_authentication(configuration: Configuration) -> dict[str, Check]:
    authentication = configuration.authentication
    settings = authentication.jwk_config
    if authentication.module is not AuthenticationModule.JWK or settings is None:
        return {}

    async def keys() -> Iterable[Finding]:
        return await check_key_server(settings, outbound_settings(configuration))

    return {"key-server": keys}


def _of_mcp(configuration: Configuration) -> dict[str, Check]:
    if not configuration.mcp_servers:
        return {}

    async def servers() -> Iterable[Finding]:
        # It loads the SDK.
        from lightspeed_core.cli.doctor.mcp_servers import check_mcp_servers

        return await check_mcp_servers(configuration)

    return {"mcp": servers}


def _of_run_config(
    run_config: RunConfig, environ: Mapping[str, str], default: str | None
) -> dict[str, Check]:
    async def endpoints() -> Iterable[Finding]:
        return await check_endpoints(endpoints_of(run_config, environ, default))

    return {
        "providers": _threaded(lambda: check_providers(run_config, environ)),
        "models": _threaded(lambda: check_default_model(run_config, environ, default)),
        "endpoints": endpoints,
        "embeddings": _threaded(lambda: check_embeddings(run_config, environ)),
        "language-models": _threaded(lambda: check_language_models(run_config, environ)),
    }


def _threaded(check: Callable[[], Iterable[Finding]]) -> Check:
    async def run() -> Iterable[Finding]:
        return await asyncio.to_thread(lambda: list(check()))

    return run
