"""A folder is taken in by a process that is killed at each of its writes, one after another."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import pytest

from lightspeed_core.engine.types import SearchMode
from lightspeed_core.ingest.chunk import chunk_document
from lightspeed_core.ingest.jobs import JobState
from lightspeed_core.ingest.load import load_document
from lightspeed_core.ingest.sources import Folder
from tests.support.ingesting import name_of, write_files
from tests.support.kill_points import STORED, Moment, moments_of
from tests.support.killed_ingestion import Run, open_ingestion, take_in
from tests.unit.providers.faiss_hybrid.parts import STORE

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9
PAUSES = (0.0, 0.0003, 0.001, 0.003)
# Longer than any lease.
LONG_AFTER = 60.0
LONG = "\n\n".join(f"## Part {n}\n\n" + f"word{n} " * 60 for n in range(70))
OLD: dict[str, str | bytes] = {
    "changed.md": "# Changed\n\nThe valve opens at 10 bar.\n\n## Rest\n\n" + "Same text. " * 60,
    "gone.md": "# Gone\n\nThis will be deleted.\n",
    "kept.md": "# Kept\n\nThis stays as it is.\n",
}
NEW: dict[str, str | bytes] = {
    **OLD,
    "changed.md": str(OLD["changed.md"]).replace("10 bar", "99 bar"),
    "long.md": f"# Long\n\n{LONG}\n",
}
del NEW["gone.md"]

type Versions = dict[str, frozenset[str]]


@dataclass
class Series:
    """Runs over copies of one state, each killed elsewhere."""

    process: subprocess.Popen[str]
    folder: Path
    filled: Path
    place: Path
    runs: int = 0

    def copy(self) -> Path:
        """Return a directory with the state before the run."""
        self.runs += 1
        return shutil.copytree(self.filled, self.place / f"data-{self.runs}")

    def run(self, run: Run) -> int:
        """Run a child, and return its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(run)) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def series_over(folder: Path, filled: Path, place: Path) -> Generator[Series]:
    command = [sys.executable, "-m", "tests.support.killed_ingestion"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Series(process, folder, filled, place)


def versions_of(folder: Path) -> Versions:
    """Return the chunks that documents have as they are now, by their paths."""
    loaded = (load_document(file) for file in Folder(folder).find().files)
    return {
        name_of(document.document_id): frozenset(
            chunk.chunk_id for chunk in chunk_document(document)
        )
        for document in loaded
        if document is not None
    }


def stored(data: Path) -> dict[str, set[str]]:
    """Read the chunks of each document, and check that nothing is double or left behind."""
    with closing(sqlite3.connect(data / "knowledge.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute(
            "SELECT documents.document_id, chunk_id, documents.content_hash, metadata"
            " FROM chunks LEFT JOIN documents USING (document_key)"
        ).fetchall()
        counted = dict(connection.execute("SELECT document_id, chunks FROM documents").fetchall())
    held: dict[str, set[str]] = {}
    for document_id, chunk_id, content_hash, metadata in rows:
        assert document_id is not None, "a chunk was left behind"
        assert json.loads(metadata)["content_hash"] == content_hash, "versions are mixed"
        assert chunk_id not in held.get(document_id, set()), "a chunk is there twice"
        held.setdefault(document_id, set()).add(chunk_id)
    assert {name: len(chunks) for name, chunks in held.items()} == counted
    return {name_of(document_id): chunks for document_id, chunks in held.items()}


async def check_between(data: Path, old: Versions, new: Versions) -> None:
    """Check what a search sees after the crash: each document as it was, or as it is now."""
    for name, chunks in stored(data).items():
        assert chunks in (old.get(name), new.get(name)), name
    async with open_ingestion(data) as (ingestion, _):
        found = await ingestion.engine.search(
            STORE, "valve opens bar same text", limit=50, mode=SearchMode.KEYWORD
        )
    of_changed = [chunk for chunk in found if name_of(chunk.document_id or "") == "changed.md"]
    assert len({chunk.content_hash for chunk in of_changed}) == 1
    assert {chunk.chunk_id for chunk in of_changed} in (old["changed.md"], new["changed.md"])


async def check_gone_on_with(data: Path, folder: Path, new: Versions) -> None:
    """Do what the next process does, and check that everything is there once."""
    async with open_ingestion(data, seconds_ahead=LONG_AFTER) as (ingestion, stack):
        job = await take_in(ingestion, folder)
        assert (job.state, job.user_id) == (JobState.COMPLETED, "ann")
        assert job.counts.files_failed == 0
        documents = await ingestion.engine.documents(STORE)
        assert [each.pending for each in documents] == [0] * len(new)
        stack.embedded.clear()
        again = await take_in(ingestion, folder)
        assert (again.counts.files_unchanged, stack.embedded) == (len(new), [])
    assert stored(data) == new


@pytest.mark.attack(74)
@pytest.mark.requirement("ingest.killed")
@pytest.mark.requirement("ingest.atomic")
async def test_a_folder_taken_in_by_a_process_killed_at_any_write_is_gone_on_with(
    tmp_path: Path,
) -> None:
    folder = write_files(tmp_path / "docs", OLD)
    filled = tmp_path / "filled"
    filled.mkdir()
    async with open_ingestion(filled) as (ingestion, _):
        await take_in(ingestion, folder)
    old = versions_of(folder)
    (folder / "gone.md").unlink()
    write_files(folder, NEW)
    new = versions_of(folder)
    assert old["changed.md"] & new["changed.md"]
    assert old["changed.md"] != new["changed.md"]

    pauses, killed = cycle(PAUSES), 0
    with series_over(folder, filled, tmp_path) as series:
        for number, moment in points_of(series):
            data = series.copy()
            run = Run(
                folder=str(folder),
                data=str(data),
                told=str(data / "told"),
                kill_at=number,
                moment=moment,
                pause=next(pauses),
            )
            if series.run(run) == KILLED:
                killed += 1
                await check_between(data, old, new)
            await check_gone_on_with(data, folder, new)
            shutil.rmtree(data)
    assert killed >= 60


def points_of(series: Series) -> list[tuple[int, Moment]]:
    """Let a child run to its end, and return the moments at which others will die."""
    data = series.copy()
    told = data / "told"
    assert series.run(Run(folder=str(series.folder), data=str(data), told=str(told))) == 0
    writes = json.loads(told.read_text())["writes"]
    assert writes.count(STORED) >= 5
    return [(number, moment) for number, name in enumerate(writes) for moment in moments_of(name)]
