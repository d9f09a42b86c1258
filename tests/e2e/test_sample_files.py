"""A folder of real files, taken in as somebody new would: watched, interrupted, gone on with."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.samples.bad_files import EMPTY, FOLDER, HIDDEN_FACT, UNREAD, write_bad_files
from tests.samples.packages import fetch, packages, unpack
from tests.support.command import MINIMAL, run, written
from tests.support.service import running_service
from tests.support.terminal import INTERRUPT, Terminal

PACKAGES: Final = ("pypdf", "python-docx", "xlsx2csv", "dogpile-cache")
LARGEST: Final = 40_000
"""Files of more bytes are left out here, for embedding them takes minutes."""
SECONDS: Final = 400
SOME_CHUNKS: Final = r"chunks[^\r\n]*[^\d;][1-9]\d*/~?\d"


def sample_folder(folder: Path) -> dict[str, str | None]:
    """Fill a folder; gives for each file why it is not read, None for one that is."""
    wanted = [package for package in packages() if package.name in PACKAGES]
    fetch(wanted)
    fates: dict[str, str | None] = {}
    for package in wanted:
        for path in unpack(package, folder):
            name = path.relative_to(folder / package.name).as_posix()
            if path.stat().st_size > LARGEST:
                path.unlink()
            else:
                fates[f"{package.name}/{name}"] = package.unread.get(name)
    for path in write_bad_files(folder):
        fates[f"{FOLDER}/{path.name}"] = UNREAD.get(path.name)
    del fates[f"{FOLDER}/{EMPTY}"]
    return fates


def stored(directory: Path) -> set[str]:
    """Return the paths of the documents that have all their vectors."""
    with closing(sqlite3.connect(directory / "data" / "knowledge.db")) as connection:
        rows = connection.execute("SELECT document_id FROM documents WHERE vectors = chunks")
        return {row[0].partition("/")[2] for row in rows}


def assert_failed(told: dict[str, str], fates: dict[str, str | None]) -> None:
    """Hold the files that failed against those that must, with their reasons."""
    expected = {name: reason for name, reason in fates.items() if reason is not None}
    assert told.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in told[name]


@pytest.mark.requirement("ingest.real-files")
@pytest.mark.requirement("ingest.reported")
def test_real_files_are_watched_interrupted_gone_on_with_and_cited(tmp_path: Path) -> None:
    fates = sample_folder(tmp_path / "files")
    good = {name for name, reason in fates.items() if reason is None}
    assert len(good) > 80
    config = written(tmp_path, MINIMAL)
    command = ("ingest", "files", "--store", "files", "-c", "lcs.yaml")
    with Terminal(tmp_path, *command) as terminal:
        terminal.read_until_matches(SOME_CHUNKS)
        terminal.type(INTERRUPT)
        assert terminal.read_to_end() == 130
        assert "the same command goes on" in terminal.shown

    with Terminal(tmp_path, *command) as terminal:
        assert terminal.read_to_end(SECONDS) == 1
    assert "Traceback" not in terminal.shown
    failed = re.findall(r"^failed: (.+?): (.+?)\r?$", terminal.shown, re.MULTILINE)
    assert_failed(dict(failed), fates)
    assert f"without text: {FOLDER}/{EMPTY}: it holds no text" in terminal.shown
    assert stored(tmp_path) == good

    done = run(tmp_path, *command, "--json")
    shown: dict[str, Any] = json.loads(done.stdout)
    assert shown["counts"]["files_unchanged"] == len(good)
    assert shown["counts"]["chunks_embedded"] == 0
    assert_failed({each["name"]: each["reason"] for each in shown["failed"]}, fates)

    with running_service(tmp_path / "data", config=config) as service:
        service.wait_until_ready()
        with service.client() as client:
            nested = ask(client, "At how many bar does the nested valve open?")
            assert nested["quote"] == HIDDEN_FACT
            assert "scripted" not in nested["quote"]
            printed = ask(client, "What do they say about the crazy ones and the misfits?")
            assert printed["document_id"].endswith(".pdf")
            assert printed["page"] == 1


def ask(client: Any, question: str) -> dict[str, Any]:
    """Ask, and return the first citation."""
    body = {"query": question, "vector_store_ids": ["files"]}
    return client.post("/v1/query", json=body).raise_for_status().json()["citations"][0]
