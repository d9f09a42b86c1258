"""MCP servers that others publish, each in an environment of its own that tests keep."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
INSTALL_SECONDS: Final = 300


def public_server(package: str, version: str) -> Path:
    """Return the program of a published server; the first call installs it from the registry."""
    folder = ROOT / ".cache" / f"{package}-{version}"
    program = folder / "bin" / package
    if not program.exists():
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _uv("pip", "install", "--python", python, f"{package}=={version}")
    return program


def _uv(*arguments: str) -> None:
    command = [str(ROOT / ".ci" / "bootstrap.sh"), "--uv", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, timeout=INSTALL_SECONDS)
