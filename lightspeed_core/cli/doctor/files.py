"""Checks the directories that the service writes to and the space on their disks."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.user_data import UserDataCollection
from lightspeed_core.engine.llama_stack.run_config import RunConfig, expand

MEBIBYTE: Final = 1024 * 1024
LEAST_FREE: Final = 64 * MEBIBYTE
COMFORTABLY_FREE: Final = 1024 * MEBIBYTE

type FreeSpace = Callable[[Path], int]


def free_space(path: Path) -> int:
    """Return the free bytes of the disk that holds a path."""
    return shutil.disk_usage(path).free


def check_files(
    configuration: Configuration,
    run_config: RunConfig | None,
    environ: Mapping[str, str],
    free: FreeSpace = free_space,
) -> Iterator[Finding]:
    """Check each directory that is written to, and each disk once."""
    directories: dict[Path, str] = {}
    for directory, where in _directories(configuration, run_config, environ):
        directories.setdefault(directory, where)
    for directory, where in directories.items():
        yield check_directory(directory, where)
    disks: dict[int, tuple[Path, str]] = {}
    for directory, where in directories.items():
        existing = nearest_existing(directory)
        disks.setdefault(existing.stat().st_dev, (existing, where))
    for path, where in disks.values():
        yield check_space(path, where, free(path))


def nearest_existing(path: Path) -> Path:
    """Return the path, or the nearest directory above it that exists."""
    return next(each for each in (path, *path.parents) if each.exists())


def check_directory(directory: Path, where: str) -> Finding:
    """Check that files can be written to a directory, or that it can be created."""
    existing = nearest_existing(directory.absolute())
    if not existing.is_dir():
        return fatal(
            f"{existing} is not a directory, so nothing can be written to {directory}",
            where=where,
            remedy="name another directory, or move that file away",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        verb = "written to" if existing == directory.absolute() else "created"
        return fatal(
            f"{directory} cannot be {verb} by this user (uid {os.getuid()})",
            where=where,
            remedy=f"give the user the right to write to {existing}, or name another directory",
        )
    if existing != directory.absolute():
        return fine(f"{directory} does not exist yet and can be created", where=where)
    return fine(f"{directory} can be written to", where=where)


def check_space(path: Path, where: str, free: int) -> Finding:
    """Judge the free space of a disk."""
    told = f"{free // MEBIBYTE} MiB are free on the disk of {path}"
    remedy = "free some space, or name a directory on another disk"
    if free < LEAST_FREE:
        return fatal(told, where=where, remedy=remedy)
    if free < COMFORTABLY_FREE:
        return warning(told, where=where, remedy=remedy)
    return fine(told, where=where)


def _directories(
    configuration: Configuration, run_config: RunConfig | None, environ: Mapping[str, str]
) -> Iterator[tuple[Path, str]]:
    if configuration.data_directory is not None:
        yield configuration.data_directory, "LIGHTSPEED_DATA_DIR"
    yield from _of_user_data(configuration.user_data_collection)
    if run_config is not None:
        for place, holder in _holders(run_config):
            text = expand(str(holder.get("db_path") or ""), environ)
            if text and ":memory:" not in text:
                yield Path(text).expanduser().parent, f"{run_config.path}: {place}.db_path"


def _of_user_data(collection: UserDataCollection) -> Iterator[tuple[Path, str]]:
    if collection.feedback_enabled and collection.feedback_storage:
        yield Path(collection.feedback_storage), "user_data_collection.feedback_storage"
    if collection.transcripts_enabled and collection.transcripts_storage:
        yield Path(collection.transcripts_storage), "user_data_collection.transcripts_storage"


def _holders(run_config: RunConfig) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what may name a database file: storage backends and settings of providers."""
    backends: Mapping[str, Any] = run_config.content["storage"]["backends"] or {}
    for name, backend in backends.items():
        yield f"storage.backends.{name}", backend or {}
    for api, entry in run_config.entries():
        yield f"providers.{api}.{entry['provider_id']}.config", entry.get("config") or {}
