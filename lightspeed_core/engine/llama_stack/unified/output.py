"""Where a built run configuration is written, and how: whole, and for its owner alone."""

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from lightspeed_core.errors import ConfigurationError

OUTPUT_VARIABLE: Final = "LIGHTSPEED_STACK_SYNTHESIZED_CONFIG_PATH"
_DEFAULT: Final = Path(".generated", "run.yaml")
_OWNER_ONLY: Final = 0o700
_HEAD: Final = "# Written at every start of the service: what is changed here is lost.\n"

logger = logging.getLogger(__name__)


def write_run_config(
    content: Mapping[str, Any], data_dir: Path, environ: Mapping[str, str]
) -> Path:
    """Write a run configuration and return its path.

    It goes where the environment says, else into the working directory, else, where that is
    read-only, into the data directory. Raises `ConfigurationError` when it cannot be written.
    """
    text = _HEAD + yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    if named := environ.get(OUTPUT_VARIABLE):
        path = Path(named).expanduser()
        if path.suffix != ".yaml":
            raise ConfigurationError(
                f"{OUTPUT_VARIABLE}: '{named}' must end in .yaml, or Llama Stack takes it for the "
                "name of a distribution"
            )
        return _written(path, text, OUTPUT_VARIABLE)
    try:
        _replace(_DEFAULT, text)
    except OSError as exc:
        logger.info("%s was not written: %s", _DEFAULT, exc.strerror)
        return _written(data_dir / _DEFAULT, text, "LIGHTSPEED_DATA_DIR")
    logger.info("run configuration was written to %s", _DEFAULT)
    return _DEFAULT


def _written(path: Path, text: str, named_by: str) -> Path:
    try:
        _replace(path, text)
    except OSError as exc:
        raise ConfigurationError(
            f"{named_by}: the run configuration {path} cannot be written: {exc.strerror}"
        ) from exc
    logger.info("run configuration was written to %s", path)
    return path


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    # Made with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
