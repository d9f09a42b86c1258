"""A parent whose workers are killed; it must not wait for a sign of life of a dead one."""

import sys
from typing import Any, Final

import psutil
import uvicorn
from uvicorn.supervisors.multiprocess import Process

from lightspeed_core.cli.parent import Workers

PATIENCE_SECONDS: Final = 3600.0


async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
    """Serve nobody."""


def outlive(worker: Process) -> None:
    """Kill a worker and ask it, as the parent does that saw it alive a moment before."""
    psutil.Process(worker.pid).kill()
    worker.join()
    if worker.ping(PATIENCE_SECONDS):
        sys.exit("a dead worker gave a sign of life")


def main() -> None:
    """Outlive a worker of the start and the one that replaces it."""
    config = uvicorn.Config(f"{__spec__.name}:silent", lifespan="off", log_config=None)
    parent = Workers(config, [])
    parent.init_processes()
    outlive(parent.processes[0])
    parent.keep_subprocess_alive()
    outlive(parent.processes[0])


if __name__ == "__main__":
    main()
