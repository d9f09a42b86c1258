"""Serve: one process with uvicorn, or a parent of several."""

import logging
import secrets
import socket
import sys
from collections.abc import MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from lightspeed_core.cli.arguments import FAILED, MISUSED, PROGRAM
from lightspeed_core.cli.http_protocol import LimitedProtocol
from lightspeed_core.cli.idle_connections import IdleConnections
from lightspeed_core.cli.listeners import CannotListen, open_listeners
from lightspeed_core.cli.open_files import allow_connections
from lightspeed_core.cli.parent import Workers
from lightspeed_core.cli.startup import StartupWatch
from lightspeed_core.cli.switching import let_the_loop_in
from lightspeed_core.cli.tls import context_factory, load_certificate
from lightspeed_core.config.data_directory import create_data_directory
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.service import ServiceConfiguration
from lightspeed_core.config.shipped import shipped_configuration
from lightspeed_core.config.start_warnings import list_start_warnings
from lightspeed_core.config.tls import TLSConfiguration
from lightspeed_core.errors import ConfigurationError
from lightspeed_core.observability.logging import configure_logging
from lightspeed_stack_providers.redaction.config import KEY_VARIABLE

logger = logging.getLogger(__name__)

_WORKER_APP = "lightspeed_core.cli.worker:create_worker_app"
# What a drained turn still needs: to be recorded, and its last events to be sent.
_LAST_WORDS_SECONDS = 3
_HUNG_SECONDS = 30


def serve(
    configuration: Configuration, *, file: Path, level: str, environ: MutableMapping[str, str]
) -> int:
    """Serve until told to stop; returns the exit code.

    Raises:
        ConfigurationError: The configuration turns out to be unusable while starting.
    """
    configure_logging(level, is_colored=configuration.service.color_log)
    _announce(configuration, file, environ)
    if configuration.data_directory is not None:
        create_data_directory(configuration.data_directory)
    service = configuration.service
    try:
        listeners = open_listeners(service.host, service.port)
    except CannotListen as refusal:
        print(f"{PROGRAM}: {refusal}", file=sys.stderr)
        return FAILED
    scheme = "https" if service.tls_config.tls_certificate_path else "http"
    logger.info("service listened url=%s://%s:%d", scheme, service.host, service.port)
    if service.workers == 1:
        return _serve_here(configuration, listeners)
    environ["LIGHTSPEED_STACK_CONFIG_PATH"] = str(file.absolute())
    environ["LIGHTSPEED_STACK_LOG_LEVEL"] = level
    # One for all workers, as long as they run; where it is set, as long as it stays the same.
    environ.setdefault(KEY_VARIABLE, secrets.token_hex(32))
    return _serve_by_workers(service, listeners)


def _announce(configuration: Configuration, file: Path, environ: MutableMapping[str, str]) -> None:
    if file == shipped_configuration():
        logger.info("no configuration file was named or found; the shipped one is used: %s", file)
    else:
        logger.info("configuration was read from %s", file)
    for warning in list_start_warnings(configuration, environ):
        logger.warning("%s", warning)


def _serve_here(configuration: Configuration, listeners: Sequence[socket.socket]) -> int:
    # Imported here, so that a taken port is told at once and a parent of workers stays small.
    from lightspeed_core.app.factory import create_app

    def end() -> None:
        server.should_exit = True

    let_the_loop_in()
    watch = StartupWatch(end)
    app = watch.around(create_app(configuration, on_fatal=watch.stop))
    server = uvicorn.Server(uvicorn.Config(app, **_server_settings(configuration.service)))
    try:
        server.run(list(listeners))
    except (KeyboardInterrupt, SystemExit):
        logger.info("service was stopped")
    if watch.error is None:
        return 0 if server.started else FAILED
    if isinstance(watch.error, ConfigurationError):
        raise watch.error
    return FAILED


def _serve_by_workers(service: ServiceConfiguration, listeners: Sequence[socket.socket]) -> int:
    settings = uvicorn.Config(_WORKER_APP, factory=True, **_server_settings(service))
    parent = Workers(settings, list(listeners))
    parent.run()
    failed = any(process.exitcode == STARTUP_FAILURE for process in parent.processes)
    return MISUSED if failed else 0


def _server_settings(service: ServiceConfiguration) -> dict[str, Any]:
    return {
        "loop": "uvloop",
        "http": partial(
            LimitedProtocol,
            limits=service.limits,
            idle=IdleConnections(allow_connections(service.limits.max_connections)),
        ),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,  # the service writes its own, with the request's id
        "server_header": False,
        "workers": service.workers,
        "timeout_keep_alive": service.limits.keep_alive_seconds,
        # A process that starts on a busy machine is slow, and not hung.
        "timeout_worker_healthcheck": _HUNG_SECONDS,
        "timeout_graceful_shutdown": service.drain_seconds + _LAST_WORDS_SECONDS,
        **_tls_settings(service.tls_config),
    }


def _tls_settings(tls: TLSConfiguration) -> dict[str, Any]:
    if tls.tls_certificate_path is None:
        return {}
    load_certificate(tls)
    return {"ssl_context_factory": context_factory(tls)}
