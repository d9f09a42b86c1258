"""Boots Llama Stack inside this process without stopping the event loop for its long import.

What it must not touch stays untouched: standard output, the service's logging, its handlers.
"""

import contextlib
import gc
import importlib
import io
import logging
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from lightspeed_core.engine.llama_stack.environment import prepare_environment
from lightspeed_core.engine.llama_stack.explain import explain_boot_failure
from lightspeed_core.engine.llama_stack.logs import kept_logging
from lightspeed_core.engine.llama_stack.run_config import RunConfig, read_run_config
from lightspeed_core.engine.llama_stack.settings import EngineSettings
from lightspeed_core.engine.llama_stack.stack import Stack
from lightspeed_core.engine.llama_stack.threads import in_own_thread
from lightspeed_core.engine.llama_stack.unified.output import write_run_config
from lightspeed_core.engine.llama_stack.unified.own_stores import hand_over_passwords
from lightspeed_core.engine.llama_stack.unified.synthesis import build_run_config
from lightspeed_core.engine.llama_stack.version import check_version, installed_version
from lightspeed_core.engine.types import BootStage
from lightspeed_core.errors import ConfigurationError, LightspeedError

logger = logging.getLogger(__name__)

_HEAVY = "lightspeed_core.engine.llama_stack.library"

type Report = Callable[[BootStage], None]


async def boot(settings: EngineSettings, report: Report) -> Stack:
    """Boot from run.yaml on the running loop.

    Raises `ConfigurationError`, or `EngineUnavailable` when a database that a provider needs at
    its start cannot be reached.
    """
    check_version(installed_version())
    prepare_environment(settings.data_dir, os.environ)
    run_config = read_run_config(_run_config_path(settings))
    for provider_id, variable in run_config.idle_variables():
        logger.warning("provider %s is off although %s is set", provider_id, variable)
    with _paused_garbage_collection():
        try:
            report(BootStage.IMPORTING)
            library = await in_own_thread(_import, run_config)
            report(BootStage.INITIALIZING)
            with contextlib.redirect_stdout(io.StringIO()):
                return await library.open_stack(run_config)
        except LightspeedError:
            raise
        except Exception as exc:
            raise explain_boot_failure(exc, run_config) from exc


def _run_config_path(settings: EngineSettings) -> Path:
    content = build_run_config(settings, os.environ)
    if content is not None:
        hand_over_passwords(settings.own_stores, os.environ)
        return write_run_config(content, settings.data_dir, os.environ)
    if settings.run_config is None:
        raise ConfigurationError(
            "Llama Stack library client mode is enabled but a configuration file path is not "
            "specified (llama_stack.library_client_config_path)"
        )
    return settings.run_config


def _import(run_config: RunConfig) -> Any:
    # One of its packages configures the root logger while it is imported.
    with kept_logging():
        library = importlib.import_module(_HEAVY)
        library.preload(run_config)
    return library


@contextlib.contextmanager
def _paused_garbage_collection() -> Generator[None]:
    # Hundreds of thousands of objects that live for ever are not worth walking again and again.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
