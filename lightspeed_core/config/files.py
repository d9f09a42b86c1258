"""Opening the files that a configuration consists of, and checking those that it names."""

import os
from pathlib import Path

from lightspeed_core.config.place import Place, Problem, ProblemsFound


def read_text(path: Path, place: Place = ()) -> str:
    """Read a UTF-8 file.

    Raises:
        ProblemsFound: There is no such file, or it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        text = "there is no such file"
    except IsADirectoryError:
        text = "is a directory, not a file"
    except UnicodeDecodeError as error:
        text = f"not UTF-8: the byte at offset {error.start} does not fit; save it as UTF-8"
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
    raise ProblemsFound([Problem(f"{path}: {text}" if place else text, place)])


def check_run_configuration(path: str, place: Place) -> list[Problem]:
    """Check that the run configuration of Llama Stack is there."""
    if not Path(path).is_file():
        return [Problem(f"Llama Stack configuration file '{path}' is not a file", place)]
    if not os.access(path, os.R_OK):
        return [Problem(f"Llama Stack configuration file '{path}' is not readable", place)]
    return []


def check_storage(path: str, kind: str, place: Place) -> list[Problem]:
    """Check a directory that may be written to; one that is missing is created later."""
    directory = Path(path)
    if not directory.exists():
        return []
    if not directory.is_dir():
        return [Problem(f"Check directory to store {kind} '{path}' is not a directory", place)]
    if not os.access(directory, os.W_OK):
        return [Problem(f"Check directory to store {kind} '{path}' is not writable", place)]
    return []
