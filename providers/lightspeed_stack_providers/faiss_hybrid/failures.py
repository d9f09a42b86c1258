"""What can be wrong with the file, in words for an operator."""

import sqlite3
from pathlib import Path

import httpx
from llama_stack_api.common.errors import LlamaStackError


class DamagedContent(Exception):
    """The rows of the file contradict themselves."""


class StoreFileUnusable(LlamaStackError):
    """The SQLite file cannot be used; the text names it, the reason and the way out."""

    status_code = httpx.codes.SERVICE_UNAVAILABLE

    def __init__(self, path: Path, reason: str, advice: str) -> None:
        super().__init__(f"Vector store file {path}: {reason}. {advice}")


def named(error: sqlite3.Error | OSError | DamagedContent, path: Path) -> StoreFileUnusable:
    """Turn an error that names no file into one that does, with advice."""
    # The low byte is the primary code (sqlite.org/rescode.html); errors of the module have none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if isinstance(error, DamagedContent) or code in {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }:
        advice = "Restore it from a backup, or move it away and index the documents again."
    elif code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        advice = "Another process has been writing to it for too long; try again."
    else:
        advice = "See that the file and its folder are writable and the disk is not full."
    return StoreFileUnusable(path, str(error), advice)
