"""Configurations for the doctor to examine."""

from pathlib import Path
from typing import Any

import yaml

from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.root import Configuration
from lightspeed_core.engine.llama_stack.run_config import RunConfig, read_run_config

LIBRARY = """\
name: examined
service: {host: 127.0.0.1, port: 8080}
llama_stack:
  use_as_library_client: true
"""
NO_USER_DATA = "user_data_collection: {}\n"


def examined_configuration(
    directory: Path, text: str = NO_USER_DATA, path: str | None = "shipped:run.yaml"
) -> Configuration:
    """Load a configuration of the library mode, whose data directory is below `directory`.

    `path` names its run.yaml; None where `text` describes it.
    """
    file = directory / "lcs.yaml"
    named = f"  library_client_config_path: '{path}'\n" if path else ""
    file.write_text(LIBRARY + named + text)
    return load_configuration(file, {"LIGHTSPEED_DATA_DIR": str(directory / "data")})


def run_config_of(directory: Path, **sections: Any) -> RunConfig:
    """Write and read a run.yaml with the sections, and else without anything."""
    path = directory / "run.yaml"
    empty: dict[str, Any] = {
        "version": 2,
        "distro_name": "examined",
        "apis": ["inference"],
        "providers": {},
        "storage": {"backends": {}},
    }
    path.write_text(yaml.safe_dump(empty | sections))
    return read_run_config(path)
