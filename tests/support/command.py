"""The command as its users call it: a process that ends by itself, and the files that it reads."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.service import free_port, service_environment

COMMAND_SECONDS: Final = 90
MINIMAL: Final = """\
name: minimal
service: {host: 127.0.0.1, port: "${env.LIGHTSPEED_PORT}"}
llama_stack: {use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}
user_data_collection: {}
"""


def run(
    directory: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command line in a directory, with a data directory below it."""
    return subprocess.run(
        [sys.executable, "-m", "lightspeed_core", *arguments],
        cwd=directory,
        env=service_environment(directory / "data", free_port(), environment or {}),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def written(directory: Path, text: str, name: str = "lcs.yaml") -> Path:
    """Write a configuration file."""
    file = directory / name
    file.write_text(text)
    return file
