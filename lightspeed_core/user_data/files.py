"""JSON files that are there whole or not at all, while an exporter collects and deletes them.

Writes and deletions happen in threads of their own, each with a bound in time. Knows no file's
meaning.
"""

import asyncio
import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

PATIENCE: Final = 5.0
"""How long, in seconds, a write may take before it counts as failed."""

_THREADS: Final = 4
_ATTEMPTS: Final = 20


class JsonFiles:
    """Writes JSON files beside the event loop; `on_failure` is called for each that failed.

    Deletes them there as well, which is not counted.
    """

    def __init__(self, on_failure: Callable[[], None], *, patience: float = PATIENCE) -> None:
        self._on_failure = on_failure
        self._patience = patience
        # What runs in it at the end of the process is waited for by the interpreter.
        self._threads = ThreadPoolExecutor(_THREADS, "user data")

    async def write(self, path: Path, document: Mapping[str, Any]) -> None:
        """Return once the file is there, whole and on the disk; one of that name is replaced.

        Raises `OSError` when it cannot be written or not in time, `TypeError` or `ValueError`
        for what is not JSON.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                await loop.run_in_executor(self._threads, write_json, path, document)
        except (OSError, TypeError, ValueError):
            self._on_failure()
            raise

    async def remove(self, path: Path, *, below: Path) -> None:
        """Return once a file, or a directory with all that is in it, is gone.

        Directories that this leaves empty go with it, up to `below`, which stays. What is not
        there is fine. Raises `OSError` when it cannot be removed or not in time.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience):
            await loop.run_in_executor(self._threads, remove_path, path, below)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a file with its directories, which the exporter may remove at any moment."""
    content = json.dumps(document).encode()
    for _ in range(_ATTEMPTS - 1):
        # Either is raised when a directory goes between two looks at it.
        with suppress(FileNotFoundError, FileExistsError):
            _write_once(path, content)
            return
    _write_once(path, content)


def remove_path(path: Path, below: Path) -> None:
    """Remove a file or a directory with its content, and the parents that are then empty."""
    if path.is_dir() and not path.is_symlink():
        _remove_directory(path)
    else:
        path.unlink(missing_ok=True)
    remove_empty(path.parent, below)


def remove_empty(directory: Path, below: Path) -> None:
    """Remove a directory and its parents up to `below`, as far as they are empty."""
    with suppress(OSError):
        while directory != below and directory.is_relative_to(below):
            directory.rmdir()
            directory = directory.parent


def _remove_directory(directory: Path) -> None:
    for _ in range(_ATTEMPTS - 1):
        try:
            shutil.rmtree(directory, onexc=_unless_gone)
        except OSError as error:
            # Somebody has just written into it.
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
    shutil.rmtree(directory, onexc=_unless_gone)


def _unless_gone(_call: object, _path: str, error: BaseException) -> None:
    """Let pass what the exporter has removed first."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _write_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The exporter takes whatever ends in `.json`.
    temporary = path.with_name(f".{path.stem}.{uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
