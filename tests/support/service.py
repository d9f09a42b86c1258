"""The service as its users run it: a process of its own, spoken to over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

START_SECONDS = 90.0
STOP_SECONDS = 30.0
LOG_SECONDS = 5.0
ROOT = Path(__file__).resolve().parents[2]

# What would switch a provider on, or change a default, stays out of the tests.
_SILENCED = (
    "OPENAI_",
    "VLLM_",
    "RHAIIS_",
    "OLLAMA_",
    "LMSTUDIO_",
    "GEMINI_",
    "LLAMA_CPP_",
    "LIGHTSPEED_",
)


@dataclass
class Service:
    """A started service; `log` is the file that takes its output."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx2.Client:
        """Return a client that waits long enough for a slow machine."""
        return httpx2.Client(base_url=self.url, timeout=START_SECONDS)

    def async_client(self) -> httpx2.AsyncClient:
        """Return the same for concurrent requests."""
        limits = httpx2.Limits(max_connections=512)
        return httpx2.AsyncClient(base_url=self.url, timeout=START_SECONDS, limits=limits)

    def wait_until_listening(self) -> None:
        """Wait for `/liveness`."""
        self._wait_for("/liveness")

    def wait_until_ready(self) -> None:
        """Wait for `/readiness`."""
        self._wait_for("/readiness")

    def terminate(self) -> int:
        """Ask it to end and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def output(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(errors="replace")

    def has_logged(self, text: str) -> bool:
        """Say whether the log has a text; waits for it, for a line may follow its answer."""
        until = time.monotonic() + LOG_SECONDS
        while text not in self.output():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _wait_for(self, path: str) -> None:
        until = time.monotonic() + START_SECONDS
        with httpx2.Client(base_url=self.url, timeout=5) as client:
            while time.monotonic() < until:
                if self.process.poll() is not None:
                    raise AssertionError(f"the service ended:\n{self.output()}")
                try:
                    if client.get(path).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                time.sleep(0.05)
        raise AssertionError(f"{path} did not answer 200 in time:\n{self.output()}")


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def service_environment(data: Path, port: int, more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which only `more` says what the service does."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SILENCED) and name != "PYTHONDONTWRITEBYTECODE"
    }
    ours = {
        "LIGHTSPEED_DATA_DIR": str(data),
        "LIGHTSPEED_PORT": str(port),
        # Nothing answers there: who forgot to be offline fails at once.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return kept | ours | dict(more)


@contextmanager
def running_service(
    data: Path,
    *,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
    wrapper: tuple[str, ...] = (),
    program: tuple[str, ...] = (sys.executable, "-m", "lightspeed_core"),
    port: int | None = None,
) -> Generator[Service]:
    """Start the service over a data directory; whatever still runs at the end is killed."""
    port = port or free_port()
    data.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}-{port}.log"
    command = [*wrapper, *program]
    if config is not None:
        command += ["-c", str(config)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=data,
            env=service_environment(data, port, environment or {}),
        )
    service = Service(process=process, port=port, log=log)
    try:
        yield service
    finally:
        if process.poll() is None:
            service.kill()
