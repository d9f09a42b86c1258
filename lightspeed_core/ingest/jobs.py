"""Work on vector stores, as it is kept and told: one model for commands, folders and the API.

It knows neither how work is done nor where jobs are kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LEASE: Final = timedelta(seconds=10)
"""How long whoever works on a job may be silent before somebody else may take it over."""

SERVICE_USER: Final = "lightspeed-stack"
"""The owner of work that no caller asked for: folders of the configuration, commands."""


class JobKind(StrEnum):
    """What is done: files taken in, a folder kept up to date, an index built anew."""

    INGEST = "ingest"
    SYNC = "sync"
    REINDEX = "reindex"


class JobState(StrEnum):
    """How far a job has come. A queued or running one goes on after a crash."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Say whether nothing more happens."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


class FileState(StrEnum):
    """What became of a file that was not as the store had it."""

    RUNNING = "running"
    INDEXED = "indexed"
    SKIPPED = "skipped"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much there is and how much is done.

    `files_done` counts every file that needs no more work, unchanged and failed ones among them.
    `chunks_total` is an estimate until all files are read; chunks whose vectors are taken over
    from an older version are in none of the numbers.
    """

    files_total: int = 0
    files_done: int = 0
    files_unchanged: int = 0
    files_failed: int = 0
    files_deleted: int = 0
    chunks_total: int = 0
    chunks_embedded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """Work to be done for a user on a store; `source` names what it works on.

    Two jobs with the same kind, store, user and source are the same work.
    """

    store_id: str
    user_id: str
    kind: JobKind
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands; `error` says why one failed as a whole.

    `is_cancelled` says that somebody asked for its end, which may be still to come.
    """

    job_id: str
    store_id: str
    user_id: str
    kind: JobKind
    source: str
    state: JobState
    counts: Counts
    created_at: datetime
    updated_at: datetime
    error: str | None = None
    is_cancelled: bool = False
    lease_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file of a job, by the name that people know.

    `reason` says why it failed, and of an indexed one what of it could not be read.
    """

    name: str
    state: FileState
    reason: str | None = None
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Signs:
    """What whoever works on a job is told when they report."""

    is_lost: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """A file as it was when it was indexed, so that it is not read again for nothing.

    `stamp` is its size and times, empty where these do not tell versions apart; `file_hash` is the
    SHA-256 of its bytes. `form` says how it was read and cut. The document that came of it had
    `content_hash` and was cut into `chunks`.
    """

    document_id: str
    stamp: str
    file_hash: str
    form: str
    content_hash: str
    chunks: int
