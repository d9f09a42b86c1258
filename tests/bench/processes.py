"""Processes that a benchmark starts, and what they cost."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.bench.samples import Batch
from tests.support.service import free_port

ROOT = Path(__file__).resolve().parents[2]
LONGEST_WAIT = 120.0
# A question that is answered costs the answering process CPU, so it is asked less often.
POLL_REFUSED = 0.005
POLL_ANSWERED = 0.05
IDLE_SHARE = 0.03


class Meter:
    """CPU and memory of one process."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """Seconds that all its threads have used so far."""
        times: Any = self._process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Resident megabytes."""
        return float(self._process.memory_info().rss) / 1e6

    def settle(self) -> None:
        """Wait until it has nothing left to do, as after indexing."""
        until = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < until:
            before = self.cpu()
            time.sleep(1)
            if self.cpu() - before < IDLE_SHARE:
                return


def status_of(port: int, path: str) -> int | None:
    """Return what GET answers, None without a listener."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def wait_for(port: int, path: str) -> None:
    """Wait until GET answers 200."""
    until = time.monotonic() + LONGEST_WAIT
    while (status := status_of(port, path)) != 200:
        if time.monotonic() > until:
            raise TimeoutError(f"no answer from {path}")
        time.sleep(POLL_REFUSED if status is None else POLL_ANSWERED)


@contextmanager
def passthrough(upstream: str) -> Generator[tuple[int, Meter]]:
    """Run the yardstick; gives its port and its meter."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.passthrough", upstream, str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for(port, "/openapi.json")
            yield port, Meter(process.pid)
        finally:
            process.kill()


def run_measured(module: str, *arguments: str, body: bytes = b"") -> Batch:
    """Run a module that prints a `Batch`."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=body,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=10 * LONGEST_WAIT,
    )
    return Batch(**json.loads(done.stdout))
