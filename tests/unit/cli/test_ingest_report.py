"""Every file that needs a look is named with its reason, in text and in JSON."""

import json
from datetime import UTC, datetime

import pytest

from lightspeed_core.cli.ingest_report import Outcome, render_json, render_text
from lightspeed_core.ingest.jobs import Counts, FileState, Job, JobFile, JobKind, JobState
from tests.support.scripted_engine import store_info

FILES = (
    JobFile(name="a.pdf", state=FileState.INDEXED, reason="1 of 2 pages could not be read"),
    JobFile(name="b.md", state=FileState.INDEXED, chunks=3),
    JobFile(name="c.md", state=FileState.SKIPPED, reason="it holds no text"),
    JobFile(name="d.pdf", state=FileState.FAILED, reason="is encrypted"),
)


def outcome() -> Outcome:
    """Have a job that took in two of four files."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    job = Job(
        job_id="1",
        store_id="manuals",
        user_id="ann",
        kind=JobKind.INGEST,
        source="docs",
        state=JobState.COMPLETED,
        counts=Counts(files_total=4, files_done=4, files_failed=1),
        created_at=now,
        updated_at=now,
    )
    return Outcome(job=job, store=store_info("manuals"), files=FILES, seconds=2)


@pytest.mark.requirement("ingest.reported")
def test_each_file_that_needs_a_look_has_a_line() -> None:
    lines = render_text(outcome()).splitlines()
    assert lines[-3:] == [
        "without text: c.md: it holds no text",
        "partly read: a.pdf: 1 of 2 pages could not be read",
        "failed: d.pdf: is encrypted",
    ]
    assert "  taken in       2" in lines


@pytest.mark.requirement("ingest.reported")
def test_json_lists_the_same() -> None:
    shown = json.loads(render_json(outcome()))
    assert [each["name"] for each in shown["failed"]] == ["d.pdf"]
    assert [each["name"] for each in shown["skipped"]] == ["c.md"]
    assert shown["partly_read"] == [{"name": "a.pdf", "reason": "1 of 2 pages could not be read"}]
