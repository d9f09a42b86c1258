"""The application of one of several server processes, which learn everything by environment."""

import logging
import os
import signal
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

from uvicorn.config import STARTUP_FAILURE

from lightspeed_core.app.factory import create_app
from lightspeed_core.cli.arguments import FAILED
from lightspeed_core.cli.startup import Application, StartupWatch
from lightspeed_core.cli.switching import let_the_loop_in
from lightspeed_core.config.load import load_configuration
from lightspeed_core.errors import InternalError, LightspeedError
from lightspeed_core.observability.logging import configure_logging, level_of

logger = logging.getLogger(__name__)

CONFIGURATION_VARIABLE = "LIGHTSPEED_STACK_CONFIG_PATH"


def create_worker_app() -> Application:
    """Return the application; whatever keeps it from starting ends the parent as well."""
    configuration = load_configuration(Path(os.environ[CONFIGURATION_VARIABLE]), os.environ)
    configure_logging(level_of(os.environ), is_colored=configuration.service.color_log)
    let_the_loop_in()
    Thread(target=_end_with_parent, name="parent watch", daemon=True).start()
    watch = StartupWatch(_ask_to_end, on_closed=_end_process)
    return watch.around(create_app(configuration, on_fatal=watch.stop))


def _end_with_parent() -> None:
    """Ask this process to end when its parent is gone, for nobody else would ever end it."""
    if parent := parent_process():
        parent.join()
        logger.warning("worker ended because its parent is gone")
        os.kill(os.getpid(), signal.SIGTERM)


def _ask_to_end() -> None:
    """Let the server close the services first: threads of theirs would outlive the event loop."""
    signal.raise_signal(signal.SIGTERM)


def _end_process(error: LightspeedError) -> None:
    """End at once; the parent starts another process, unless the error would only come again."""
    logging.shutdown()
    # The server would end as if a signal had killed it, and the parent not learn why.
    os._exit(FAILED if isinstance(error, InternalError) else STARTUP_FAILURE)
