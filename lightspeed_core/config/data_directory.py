"""The directory of everything that the service writes where the configuration names no path."""

from collections.abc import Mapping
from pathlib import Path

from lightspeed_core.errors import ConfigurationError

_NAME = "lightspeed-stack"
_OWNER_ONLY = 0o700


def data_directory(environ: Mapping[str, str]) -> Path:
    """Return the absolute path of the data directory; it need not exist."""
    if named := environ.get("LIGHTSPEED_DATA_DIR"):
        return Path(named).expanduser().absolute()
    shared = Path(environ.get("XDG_DATA_HOME", ""))
    if shared.is_absolute():
        return shared / _NAME
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "share" / _NAME


def create_data_directory(path: Path) -> None:
    """Create the directory for its owner alone; one that exists keeps its mode.

    Raises `ConfigurationError` when it cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"data directory {path} cannot be created: {error.strerror}; "
            "set LIGHTSPEED_DATA_DIR to a directory that can be written"
        ) from error
