"""What became of files that were taken in: as text for people, as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lightspeed_core.engine.types import VectorStoreInfo
from lightspeed_core.ingest.jobs import FileState, Job, JobFile, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A job that has ended, with what became of each file that was not left as it was."""

    job: Job
    store: VectorStoreInfo
    files: tuple[JobFile, ...]
    seconds: float

    def files_in(self, state: FileState) -> Sequence[JobFile]:
        """Return the files of one fate."""
        return [file for file in self.files if file.state is state]

    @property
    def partly_read(self) -> Sequence[JobFile]:
        """Files that are in the store without a part of them."""
        return [file for file in self.files_in(FileState.INDEXED) if file.reason]


def render_json(outcome: Outcome) -> str:
    """Write one JSON document."""
    shown = {
        **describe_job(outcome.job),
        "embedding_model": outcome.store.embedding_model,
        "seconds": round(outcome.seconds, 3),
        "failed": _named(outcome.files_in(FileState.FAILED)),
        "skipped": _named(outcome.files_in(FileState.SKIPPED)),
        "partly_read": _named(outcome.partly_read),
    }
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def render_text(outcome: Outcome) -> str:
    """Write a table of the counts, and each file that was not taken in."""
    return "\n".join(_lines(outcome)) + "\n"


def describe_job(job: Job) -> dict[str, Any]:
    """Describe a job as JSON has it."""
    return {
        "job_id": job.job_id,
        "store": job.store_id,
        "kind": job.kind.value,
        "state": job.state.value,
        "error": job.error,
        "counts": asdict(job.counts),
        "created_at": job.created_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
    }


def _named(files: Sequence[JobFile]) -> list[dict[str, str | None]]:
    return [{"name": file.name, "reason": file.reason} for file in files]


def _lines(outcome: Outcome) -> Iterator[str]:
    counts = outcome.job.counts
    indexed = counts.files_done - counts.files_unchanged - counts.files_failed
    skipped = outcome.files_in(FileState.SKIPPED)
    rows = {
        "store": f"{outcome.store.store_id} ({outcome.store.embedding_model})",
        "files": f"{counts.files_total}",
        "  taken in": f"{indexed - len(skipped)}",
        "  unchanged": f"{counts.files_unchanged}",
        "  without text": f"{len(skipped)}",
        "  failed": f"{counts.files_failed}",
        "deleted": f"{counts.files_deleted}",
        "chunks embedded": f"{counts.chunks_embedded}",
        "seconds": f"{outcome.seconds:.1f}",
    }
    yield from (f"{name:<16} {value}" for name, value in rows.items())
    for fate, files in (
        ("without text", skipped),
        ("partly read", outcome.partly_read),
        ("failed", outcome.files_in(FileState.FAILED)),
    ):
        yield from (f"{fate}: {file.name}: {file.reason}" for file in files)
    if outcome.job.state is JobState.FAILED:
        yield f"the job failed: {outcome.job.error}; the same command goes on with it"
    elif outcome.job.state is JobState.CANCELLED:
        yield "the job was cancelled; the same command goes on with it"
