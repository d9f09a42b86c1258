"""The application of one of several server processes, which learn everything by environment."""

import asyncio
import logging
import os
import sys
from pathlib import Path

from uvicorn.config import STARTUP_FAILURE

from lightspeed_core.app.factory import create_app
from lightspeed_core.cli.arguments import FAILED
from lightspeed_core.cli.startup import Application, StartupWatch
from lightspeed_core.config.load import load_configuration
from lightspeed_core.errors import InternalError, LightspeedError
from lightspeed_core.observability.logging import configure_logging, level_of

logger = logging.getLogger(__name__)

CONFIGURATION_VARIABLE = "LIGHTSPEED_STACK_CONFIG_PATH"


def create_worker_app() -> Application:
    """Return the application; whatever keeps it from starting ends the parent as well."""
    configuration = load_configuration(Path(os.environ[CONFIGURATION_VARIABLE]), os.environ)
    configure_logging(level_of(os.environ), is_colored=configuration.service.color_log)
    watch = StartupWatch(lambda: _end_process(watch.error))
    return watch.around(create_app(configuration, on_fatal=watch.stop))


def _end_process(error: LightspeedError | None) -> None:
    """End; the parent starts another process, unless the error would only come again."""
    code = FAILED if isinstance(error, InternalError) else STARTUP_FAILURE
    asyncio.get_running_loop().call_soon(sys.exit, code)
