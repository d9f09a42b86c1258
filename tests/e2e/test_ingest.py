"""`lightspeed-stack ingest` as its users run it: watched, interrupted, killed, beside a service."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.command import MINIMAL, run, written
from tests.support.ingesting import write_files
from tests.support.service import free_port, running_service, service_environment
from tests.support.terminal import INTERRUPT, Terminal

FILES: Final = 24
WAIT_SECONDS: Final = 90
LEASE_SECONDS: Final = 10


def manuals(directory: Path, files: int = FILES) -> Path:
    """Write documents that take a while to be embedded."""
    body = "\n\n".join(
        f"## Part {part}\n\n" + f"Valve {part} opens at a pressure of {part} bar. " * 12
        for part in range(3)
    )
    return write_files(
        directory / "manuals",
        {f"pump-{number:02}.md": f"# Pump {number}\n\n{body}\n" for number in range(files)},
    )


def ingested(directory: Path, *arguments: str) -> tuple[int, Any]:
    done = run(directory, "ingest", *arguments, "--json", "-c", "lcs.yaml")
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def listed(directory: Path) -> list[dict[str, Any]]:
    code, shown = ingested(directory, "--status")
    assert code == 0
    return shown["jobs"]


def stored(directory: Path) -> tuple[int, int, int]:
    """Count documents, chunks and vectors in the file of the vector stores."""
    with closing(sqlite3.connect(directory / "data" / "knowledge.db")) as connection:
        documents, chunks, vectors = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("documents", "chunks", "vectors")
        )
        orphans = connection.execute(
            "SELECT count(*) FROM chunks WHERE document_key NOT IN"
            " (SELECT document_key FROM documents)"
        ).fetchone()[0]
        duplicates = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM chunks GROUP BY store_key, chunk_id"
            " HAVING count(*) > 1)"
        ).fetchone()[0]
    assert (orphans, duplicates) == (0, 0)
    return documents, chunks, vectors


@pytest.mark.requirement("ingest.terminal")
@pytest.mark.requirement("ingest.interrupted")
def test_a_run_is_watched_interrupted_and_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL)
    command = ("ingest", str(manuals(tmp_path)), "--store", "manuals", "-c", "lcs.yaml")
    with Terminal(tmp_path, *command) as terminal:
        terminal.read_until(f" 2/{FILES}")
        terminal.type(INTERRUPT)
        assert terminal.read_to_end() == 130
        assert "the same command goes on" in terminal.shown
        assert "Traceback" not in terminal.shown
    (job,) = listed(tmp_path)
    assert job["state"] == "cancelled"
    assert 2 <= job["counts"]["files_done"] < FILES

    with Terminal(tmp_path, *command) as terminal:
        assert terminal.read_to_end() == 0
    assert re.search(rf"files .*{FILES}/{FILES}", terminal.shown)
    assert re.search(r"chunks .*\d+/\d+", terminal.shown)
    assert "left" in terminal.shown
    taken_in = re.search(r"unchanged +(\d+)", terminal.shown)
    assert taken_in is not None
    assert int(taken_in[1]) >= job["counts"]["files_done"]
    documents, chunks, vectors = stored(tmp_path)
    assert (documents, chunks) == (FILES, vectors)

    code, shown = ingested(tmp_path, *command[1:4])
    assert code == 0
    assert shown["counts"]["files_unchanged"] == FILES
    assert shown["counts"]["chunks_embedded"] == 0


@pytest.mark.requirement("ingest.killed")
def test_a_killed_run_is_told_of_and_taken_over(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL)
    command = (str(manuals(tmp_path)), "--store", "manuals")
    process = begun(tmp_path, *command)
    wait_for_files(tmp_path, 2)
    process.kill()
    process.wait()
    (killed,) = listed(tmp_path)
    assert killed["state"] == "running"
    wait_until_given_up(killed)
    assert "interrupted" in run(tmp_path, "ingest", "--status", "-c", "lcs.yaml").stdout

    code, shown = ingested(tmp_path, *command)
    assert code == 0
    assert (shown["job_id"], shown["state"]) == (killed["job_id"], "completed")
    assert shown["counts"]["files_unchanged"] >= 1
    documents, chunks, vectors = stored(tmp_path)
    assert (documents, chunks) == (FILES, vectors)


def begun(directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a run that nobody waits for."""
    return subprocess.Popen(
        [sys.executable, "-m", "lightspeed_core", "ingest", *arguments, "-c", "lcs.yaml"],
        cwd=directory,
        env=service_environment(directory / "data", free_port(), {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_files(directory: Path, files: int) -> None:
    """Wait until so many documents have all their vectors."""
    until = time.monotonic() + WAIT_SECONDS
    database = directory / "data" / "knowledge.db"
    while time.monotonic() < until:
        if database.exists():
            with closing(sqlite3.connect(database)) as connection:
                query = "SELECT count(*) FROM documents WHERE vectors = chunks"
                try:
                    if connection.execute(query).fetchone()[0] >= files:
                        return
                except sqlite3.OperationalError:
                    pass  # the tables are still to come
        time.sleep(0.05)
    raise AssertionError("nothing was indexed")


def wait_until_given_up(job: dict[str, Any]) -> None:
    """Wait until the lease of a killed run is over."""
    given_up = datetime.fromisoformat(job["updated_at"]) + timedelta(seconds=LEASE_SECONDS)
    time.sleep(max((given_up - datetime.now(UTC)).total_seconds(), 0) + 0.5)


@pytest.mark.requirement("ingest.cancel")
def test_a_run_is_cancelled_from_another_process(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL)
    # Enough of them to outlast the start of the other process.
    process = begun(tmp_path, str(manuals(tmp_path, 10 * FILES)), "--store", "manuals")
    wait_for_files(tmp_path, 1)
    (job,) = listed(tmp_path)
    code, shown = ingested(tmp_path, "--cancel", job["job_id"])
    assert code == 0
    assert shown["jobs"][0]["job_id"] == job["job_id"]
    assert process.wait(WAIT_SECONDS) == 1
    assert listed(tmp_path)[0]["state"] == "cancelled"
    assert run(tmp_path, "ingest", "--cancel", "unknown", "-c", "lcs.yaml").returncode == 1


@pytest.mark.requirement("ingest.beside-service")
@pytest.mark.requirement("ingest.failed-file")
def test_documents_are_found_by_a_service_that_runs_meanwhile(tmp_path: Path) -> None:
    config = written(tmp_path, MINIMAL)
    files: dict[str, str | bytes] = {
        "guide.md": "# Zephyr valve\n\nThe zephyr valve opens at 42 bar.\n",
        "broken.md": b"\x00\x01\x02\x03" * 20,
        "empty.md": "",
    }
    folder = write_files(tmp_path / "manuals", files)
    with running_service(tmp_path / "data", config=config) as service:
        service.wait_until_ready()
        code, shown = ingested(tmp_path, str(folder), "--store", "manuals")
        assert code == 1
        assert [each["name"] for each in shown["failed"]] == ["broken.md"]
        assert [each["name"] for each in shown["skipped"]] == ["empty.md"]
        with service.client() as client:
            question = {"query": "At how many bar does the zephyr valve open?"}
            answer = client.post("/v1/query", json=question).json()
            until = time.monotonic() + WAIT_SECONDS
            while "42 bar" not in answer["response"] and time.monotonic() < until:
                time.sleep(0.5)
                answer = client.post("/v1/query", json=question).json()
        assert "42 bar" in answer["response"]
        assert answer["citations"][0]["quote"] == "The zephyr valve opens at 42 bar."


@pytest.mark.requirement("reindex.beside")
def test_a_store_is_indexed_anew(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL)
    folder = write_files(tmp_path / "manuals", {"guide.md": "# Valve\n\nIt opens at 42 bar.\n"})
    assert ingested(tmp_path, str(folder), "--store", "manuals")[0] == 0
    before = stored(tmp_path)
    command = ("reindex", "manuals", "--json", "-c", "lcs.yaml")
    unnamed = run(tmp_path, *command)
    assert unnamed.returncode == 1
    assert "--embedding-model" in unnamed.stderr

    done = run(tmp_path, *command, "--embedding-model", "onnx/all-MiniLM-L6-v2")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["kind"], shown["state"], shown["store"]) == ("reindex", "completed", "manuals")
    assert shown["counts"]["chunks_embedded"] == 1
    assert stored(tmp_path) == before
    assert (
        ingested(tmp_path, str(folder), "--store", "manuals")[1]["counts"]["files_unchanged"] == 1
    )


@pytest.mark.requirement("ingest.misused")
@pytest.mark.parametrize(
    "arguments",
    [(), ("manuals",), ("--store", "x"), ("manuals", "--store", "x", "--status")],
)
def test_a_command_line_that_makes_no_sense_is_told_of(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(tmp_path, "ingest", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_path_where_nothing_is_fails_before_anything_starts(tmp_path: Path) -> None:
    done = run(tmp_path, "ingest", "missing", "--store", "manuals")
    assert done.returncode == 1
    assert "missing" in done.stderr
    assert not (tmp_path / "data").exists()
