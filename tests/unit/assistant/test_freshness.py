"""A file that changed is told from one that did not, with one look every few seconds."""

import hashlib
import os
from pathlib import Path

import pytest

from lightspeed_core.assistant.freshness import Freshness
from lightspeed_core.domain.retrieval import SourceFile


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def indexed(path: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(
        path=str(path),
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "guide.md"
    path.write_text("The port is 8080.")
    return path


def remove(path: Path) -> None:
    path.unlink()


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(1, 1))


@pytest.mark.requirement("citations.stale")
async def test_an_unchanged_file_is_not_stale(path: Path) -> None:
    assert not await Freshness().is_stale(indexed(path))


@pytest.mark.requirement("citations.stale")
@pytest.mark.parametrize("text", ["The port is 9090.", "The port is another one."])
async def test_a_changed_file_is_stale(path: Path, text: str) -> None:
    file = indexed(path)
    rewrite(path, text)
    assert await Freshness().is_stale(file)


async def test_a_file_that_was_only_touched_is_not_stale(path: Path) -> None:
    file = indexed(path)
    rewrite(path, "The port is 8080.")
    assert not await Freshness().is_stale(file)


async def test_a_removed_file_is_stale_and_one_of_another_machine_is_not(path: Path) -> None:
    file = indexed(path)
    remove(path)
    assert await Freshness().is_stale(file)
    elsewhere = SourceFile(path="/no/such/folder/guide.md", size=1, modified_ns=1, digest="")
    assert not await Freshness().is_stale(elsewhere)
    impossible = SourceFile(path="a\0b", size=1, modified_ns=1, digest="")
    assert not await Freshness().is_stale(impossible)


async def test_a_look_serves_for_a_while(path: Path) -> None:
    clock = Clock()
    freshness = Freshness(seconds=5, clock=clock)
    file = indexed(path)
    assert not await freshness.is_stale(file)
    rewrite(path, "The port is another one.")
    clock.now = 4.9
    assert not await freshness.is_stale(file)
    clock.now = 5
    assert await freshness.is_stale(file)
