"""Checks the database: reachable, of a known version, writable. Migrates nothing."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from lightspeed_core.cli.doctor.files import check_directory
from lightspeed_core.cli.doctor.finding import Finding, Severity, fatal, fine, warning
from lightspeed_core.cli.doctor.mounts import find_network_mount
from lightspeed_core.db.condition import examine_postgres
from lightspeed_core.db.connect import DatabaseSettings, SqliteSettings
from lightspeed_core.db.migrate import HEAD, refuse_newer
from lightspeed_core.db.postgres import PostgresSettings
from lightspeed_core.db.untouched import CannotRead, is_held_for_writing, read_untouched
from lightspeed_core.errors import ConfigurationError, LightspeedError

_SQLITE: Final = "database.sqlite.db_path"
_POSTGRES: Final = "database.postgres"
_VERSION: Final = "SELECT version_num FROM lcs_schema_version"


async def check_database(
    settings: DatabaseSettings | None, data_directory: Path | None
) -> list[Finding]:
    """Look at the database that the configuration names."""
    match settings:
        case None:
            return [fine("conversations are kept in memory, and gone at a restart")]
        case SqliteSettings(path=path):
            return list(_check_file(path, data_directory))
        case PostgresSettings():
            return [finding async for finding in _check_server(settings)]


def _check_file(path: Path, data_directory: Path | None) -> Iterator[Finding]:
    directory = check_directory(path.parent, _SQLITE)
    is_ours = data_directory is not None and path.parent.is_relative_to(data_directory)
    if directory.severity is not Severity.OK:
        yield directory
    elif not path.parent.exists() and not is_ours:
        yield fatal(
            f"SQLite database directory does not exist: {path.parent}",
            where=_SQLITE,
            remedy="create it, or name a file in another directory",
        )
    elif not path.exists():
        yield fine(f"{path} does not exist yet and can be created", where=_SQLITE)
    else:
        yield from _check_existing_file(path)
    if kind := find_network_mount(path):
        yield warning(
            f"{path} lies on a network file system ({kind}), where SQLite's locks and shared "
            "memory do not hold",
            where=_SQLITE,
            remedy="name a file on a local disk, or use database.postgres",
        )


def _check_existing_file(path: Path) -> Iterator[Finding]:
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        yield fatal(
            f"SQLite database cannot be written: {path}",
            where=_SQLITE,
            remedy="give this user the right to write to it, or name another file",
        )
        return
    try:
        rows = read_untouched(path, _VERSION)
    except CannotRead as error:
        yield fatal(
            f"SQLite database cannot be read: {path} ({error})",
            where=_SQLITE,
            remedy="end the program that holds it; if it is no database, name another file",
        )
        return
    yield _judge_version(str(path), rows[0][0] if rows else None, _SQLITE)
    if is_held_for_writing(path):
        yield warning(
            f"another process keeps {path} locked for writing",
            where=_SQLITE,
            remedy="end its transaction: while it lasts, nothing can be stored",
        )


async def _check_server(settings: PostgresSettings) -> AsyncIterator[Finding]:
    try:
        condition = await examine_postgres(settings)
    except LightspeedError as error:
        yield fatal(
            error.cause,
            where=_POSTGRES,
            remedy="see that the server runs and is reachable, and that database, user, password "
            "and TLS settings are its own",
        )
        return
    yield _judge_version(settings.address, condition.version, _POSTGRES)
    for right in condition.lacking:
        yield fatal(
            f"the user {settings.user} lacks the right {right}",
            where=_POSTGRES,
            remedy="let the owner of the database grant it",
        )


def _judge_version(database: str, version: str | None, where: str) -> Finding:
    try:
        refuse_newer(version)
    except ConfigurationError as error:
        return fatal(
            f"{database}: {error.cause}",
            where=where,
            remedy="start the newer service that wrote it, or restore a backup made before it",
        )
    if version is None:
        return fine(f"{database} can be used; its tables are made at the start", where=where)
    if version != HEAD:
        told = f"{database} has schema version {version}; the start brings it to {HEAD}"
        return fine(told, where=where)
    return fine(f"{database} has the current schema, version {HEAD}", where=where)
