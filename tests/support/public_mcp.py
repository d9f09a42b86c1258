"""MCP servers that others publish, each in an environment of its own that tests keep."""

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.service import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
INSTALL_SECONDS: Final = 300
START_SECONDS: Final = 60
STOP_SECONDS: Final = 10
CLOCK: Final = ("mcp-server-time", "2026.10.19")
PROXY: Final = ("mcp-proxy", "0.13.0")


def public_server(package: str, version: str) -> Path:
    """Return the program of a published server; the first call installs it from the registry."""
    folder = ROOT / ".cache" / f"{package}-{version}"
    program = folder / "bin" / package
    if not program.exists():
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _uv("pip", "install", "--python", python, f"{package}=={version}")
    return program


@contextmanager
def clock_over_http() -> Generator[str]:
    """Serve the published clock by the published proxy; yields its address."""
    clock, port = public_server(*CLOCK), free_port()
    command = [public_server(*PROXY), "--port", str(port), "--", clock, "--local-timezone", "UTC"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}/mcp/"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the published server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the published server did not listen in time")


def _uv(*arguments: str) -> None:
    command = [str(ROOT / ".ci" / "bootstrap.sh"), "--uv", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, timeout=INSTALL_SECONDS)
