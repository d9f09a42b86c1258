"""Files go by age, while others write and take them."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from lightspeed_core.user_data.files import write_json
from lightspeed_core.user_data.retention import FEEDBACK_DEPTH, TRANSCRIPT_DEPTH, FileRetention

DAY = 24 * 3600.0


def aged(path: Path, days: float) -> Path:
    write_json(path, {"text": "hello"})
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def name() -> str:
    return f"{uuid4()}.json"


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def is_there(path: Path) -> bool:
    return path.exists()


def sweeper(root: Path, depth: int = TRANSCRIPT_DEPTH) -> FileRetention:
    return FileRetention(root, kind="transcript", depth=depth, keep=timedelta(days=7))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


async def test_old_files_go_with_the_directories_that_they_leave_empty(root: Path) -> None:
    for conversation in ("one", "two"):
        aged(root / "user" / conversation / name(), 8)
    young = aged(root / "user" / "two" / name(), 6)

    await sweeper(root).sweep()

    assert files_in(root) == [young]
    assert not is_there(root / "user" / "one")


async def test_the_root_stays_and_one_that_is_not_there_is_fine(root: Path) -> None:
    aged(root / name(), 8)

    await sweeper(root, FEEDBACK_DEPTH).sweep()
    await sweeper(root / "none").sweep()

    assert is_there(root)
    assert files_in(root) == []


async def test_what_a_killed_process_left_half_written_goes_as_well(root: Path) -> None:
    left = aged(root / f".{uuid4()}.{uuid4().hex}.tmp", 8)

    await sweeper(root, FEEDBACK_DEPTH).sweep()

    assert not is_there(left)


async def test_files_of_others_and_links_are_left_alone(root: Path, tmp_path: Path) -> None:
    elsewhere = aged(tmp_path / "elsewhere" / name(), 8)
    kept = [
        aged(root / "notes.json", 8),
        aged(root / "user" / name(), 8),
        aged(root / "user" / "one" / "deeper" / name(), 8),
    ]
    link(root / name(), elsewhere)
    link(root / "user" / "link", elsewhere.parent)

    await sweeper(root, FEEDBACK_DEPTH).sweep()
    await sweeper(root).sweep()

    assert all(map(is_there, [*kept, elsewhere]))


async def test_more_files_than_are_looked_at_at_once_all_go(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(450):
        aged(root / name(), 8)

    with caplog.at_level(logging.INFO):
        await sweeper(root, FEEDBACK_DEPTH).sweep()

    assert is_there(root)
    assert files_in(root) == []
    assert "transcript files were deleted by age count=450 failed=0" in caplog.text


@pytest.fixture
def taking(root: Path) -> Iterator[None]:
    """An exporter that takes finished files and removes empty directories all the time."""
    done = threading.Event()

    def take() -> None:
        while not done.is_set():
            for path in sorted(root.rglob("*"), reverse=True):
                with suppress(OSError):
                    if path.is_dir():
                        path.rmdir()
                    elif path.suffix == ".json":
                        path.unlink()

    thread = threading.Thread(target=take)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.mark.usefixtures("taking")
async def test_files_and_directories_that_vanish_meanwhile_disturb_no_sweep(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for round_number in range(20):
        for _ in range(10):
            write_json(root / f"user{round_number % 3}" / str(uuid4()) / name(), {})
        await FileRetention(
            root, kind="transcript", depth=TRANSCRIPT_DEPTH, keep=timedelta(0)
        ).sweep()

    assert "not deleted" not in caplog.text
